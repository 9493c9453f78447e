"""How commands speak to people beside their results. Imports next to nothing: every error line comes this way."""

import os
import sys
from typing import TextIO


def known_width(stream: TextIO) -> int | None:
    """Columns of what a stream is read on; None where nobody says, as in a pipe."""
    asked = os.environ.get("COLUMNS", "")
    if asked.isdecimal() and int(asked):
        return int(asked)
    return os.get_terminal_size(stream.fileno()).columns or None if stream.isatty() else None


def tell(text: str) -> None:
    """Say something on standard error: in one line, or in as many as it takes where the width is known."""
    lines, width = [text], known_width(sys.stderr)
    if width is not None:
        from katydid.report.render.wrapping import wrapped

        lines = wrapped(text, width)
    for line in lines:
        print(line, file=sys.stderr, flush=True)  # noqa: T201 - for people
