"""Text from outside in one line: nothing in it breaks the line, commands a terminal, or turns the direction of writing.

What targets answer, workers send and people type stands in messages, tables and pages.
"""

import re

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
"""Commands to a terminal (ECMA-48): they are left out whole."""
_CONTROL = re.compile(r" *[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]+ *")
"""Control characters, those that end a line, and those that turn the direction of writing (Unicode TR 9)."""
HALF = re.compile("[\ud800-\udfff]")
"""Half of a surrogate pair, which no encoding has; and what Python makes of bytes that are no text."""


def one_line(text: object) -> str:
    """The text with a space in place of each run of such characters, and none at its ends.

    Args:
        text: whatever `str` makes a text of.
    """
    return _CONTROL.sub(" ", _ANSI.sub("", str(text))).strip()


_URL_USER = re.compile(r"(:/{1,2})[^\s/'\"]+@")


def without_users(text: str) -> str:
    """A text whose URLs have no user and no password, nor what a path makes of a URL."""
    return _URL_USER.sub(r"\1", text)
