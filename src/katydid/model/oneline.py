"""Reduces untrusted text to one safe line: no line breaks, terminal commands or changes of text direction.

Messages, tables and pages show text that comes from targets, workers and users.
"""

import re

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
"""Terminal commands (ECMA-48), which are removed as a whole."""
_CONTROL = re.compile(r" *[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]+ *")
"""Control characters, line breaks, and characters that change the text direction (Unicode TR 9)."""
HALF = re.compile("[\ud800-\udfff]")
"""Half of a surrogate pair, which no encoding can represent; Python also uses it for bytes that are not text."""


def one_line(text: object) -> str:
    """Return the text with each run of such characters replaced by a space, and stripped.

    Args:
        text: any object; it is converted with `str`.
    """
    return _CONTROL.sub(" ", _ANSI.sub("", str(text))).strip()


_URL_USER = re.compile(r"(:/{1,2})[^\s/'\"]+@")


def without_users(text: str) -> str:
    """Return the text without users and passwords in URLs, also in URLs that a path has reduced to one slash."""
    return _URL_USER.sub(r"\1", text)
