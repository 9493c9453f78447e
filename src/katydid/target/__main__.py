"""`python -m katydid.target`: the same as `katydid target`."""

import argparse
import sys

from katydid.core.errors import KatydidError
from katydid.target.command import add_arguments, main

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="katydid target")
    add_arguments(parser)
    try:
        sys.exit(main(parser.parse_args()))
    except KatydidError as error:
        print(f"katydid: {error}", file=sys.stderr)  # noqa: T201 - the one line that bad input gets
        sys.exit(error.exit_code)
