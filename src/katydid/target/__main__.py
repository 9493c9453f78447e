"""`python -m katydid.target`: the same as `katydid target`."""

import sys

from katydid.model.errors import KatydidError
from katydid.target.command import serve
from katydid.target.settings import settings_from_arguments

if __name__ == "__main__":
    try:
        sys.exit(serve(settings_from_arguments(sys.argv[1:])))
    except KatydidError as error:
        print(f"katydid: {error}", file=sys.stderr)  # noqa: T201 - one line for invalid arguments
        sys.exit(error.exit_code)
