"""Text from outside stands in one line, and commands no terminal."""

import pytest

from katydid.model.errors import ConfigError, NoDataError
from katydid.model.oneline import one_line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\x1b[31mb\r\nc\u202ed", "ab c d"),
        (" \x9b a\u2069 ", "a"),
        ("\x1b]0;title\x07a", "a"),
        ("unexpected\n    line 1", "unexpected line 1"),
        ("600\u00a0ms  in all", "600\u00a0ms  in all"),
        (None, "None"),
    ],
)
def test_a_text_is_one_line_without_control_characters(text, line):
    assert one_line(text) == line


@pytest.mark.parametrize("kind", [ConfigError, NoDataError])
def test_so_is_every_complaint(kind):
    assert str(kind("--host \x1b[2J: not\n a URL")) == "--host : not a URL"
