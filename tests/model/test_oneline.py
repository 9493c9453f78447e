"""Text from outside stands in one line, and commands no terminal."""

import pytest

from katydid.model.errors import ConfigError, NoDataError, naming_paths
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


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda folder: (folder / ("x" * 300)).is_file(), "file name too long: correct the path"),
        (lambda folder: (folder / "file" / "a").read_text(), "not a directory: correct the path"),
    ],
)
def test_a_path_that_cannot_be_followed_is_a_complaint(tmp_path, use, message):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=message), naming_paths():
        use(tmp_path)


def test_what_else_the_system_refuses_is_no_complaint(tmp_path):
    with pytest.raises(FileNotFoundError), naming_paths():
        (tmp_path / "none").read_text()
