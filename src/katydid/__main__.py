"""`python -m katydid`: the command, also where its script is not in PATH."""

import sys

from katydid.cli import main

if __name__ == "__main__":
    sys.exit(main())
