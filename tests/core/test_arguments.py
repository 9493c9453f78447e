"""What a person gets wrong on a command line is told in one line."""

import pytest

from katydid.core.arguments import OneLineParser
from katydid.core.errors import ConfigError


@pytest.fixture
def parser():
    made = OneLineParser(prog="katydid compare")
    made.add_argument("--last", type=int)
    return made


def test_what_is_right_is_parsed(parser):
    assert parser.parse_args(["--last", "3"]).last == 3


@pytest.mark.parametrize("words", [["--last", "x"], ["--lst", "3"], ["more"]])
def test_what_is_wrong_is_one_line_with_the_command_and_where_to_look(parser, capsys, words):
    with pytest.raises(ConfigError, match=r"^compare: .*; see katydid compare --help$"):
        parser.parse_args(words)
    assert capsys.readouterr() == ("", "")
