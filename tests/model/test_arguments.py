"""What a person gets wrong on a command line is told in one line."""

import pytest

from katydid.model.arguments import OneLineParser, did_you_mean, did_you_mean_in
from katydid.model.errors import ConfigError


@pytest.fixture
def parser():
    made = OneLineParser(prog="katydid compare")
    made.add_argument("--last", type=int)
    return made


def test_what_is_right_is_parsed(parser):
    assert parser.parse_args(["--last", "3"]).last == 3


@pytest.mark.parametrize("words", [["--last", "x"], ["--lst", "3"], ["more"]])
def test_what_is_wrong_is_one_line_with_the_command_and_where_to_look(parser, capsys, words):
    with pytest.raises(ConfigError, match=r"^compare: .*[;?] see katydid compare --help$"):
        parser.parse_args(words)
    assert capsys.readouterr() == ("", "")


def test_an_option_that_nobody_knows_is_told_before_what_is_missing(parser):
    parser.add_argument("new")
    with pytest.raises(ConfigError, match="unrecognized arguments: --lats: did you mean --last"):
        parser.parse_args(["--lats"])
    with pytest.raises(ConfigError, match="required: new"):
        parser.parse_args(["--last=3"])


def test_a_part_of_an_option_is_not_taken_for_it(parser):
    parser.add_argument("--api-key")
    with pytest.raises(ConfigError, match="unrecognized arguments: --api openai;"):
        parser.parse_args(["--api", "openai"])


OPTIONS = ("--master", "--users", "--spawn-rate", "--run-time", "--json", "-f")


@pytest.mark.parametrize(
    ("word", "meant"),
    [("--jsn", "--json"), ("--user", "--users"), ("--spawnrate", "--spawn-rate"), ("--runtime", "--run-time")],
)
def test_what_is_nearly_an_option_was_probably_meant(word, meant):
    assert did_you_mean(word, OPTIONS) == f": did you mean {meant}?"


@pytest.mark.parametrize(("word", "known"), [("rum", ["run", "report"]), ("rnu", ["run"]), ("straem", ["stream"])])
def test_a_letter_wrong_or_two_swapped_is_enough_in_a_short_word(word, known):
    assert did_you_mean(word, known) == f": did you mean {known[0]}?"


@pytest.mark.parametrize("word", ["--rate", "--x", "", "--concurrency"])
def test_no_nonsense_is_suggested(word):
    assert did_you_mean(word, OPTIONS) == ""


def test_a_choice_has_a_suggestion_too():
    complaint = "argument --api: invalid choice: 'opnai' (choose from 'openai', 'ollama')"
    assert did_you_mean_in(complaint, OPTIONS) == ": did you mean openai?"


@pytest.mark.parametrize("words", [["--api-key=hunter2"], ["--api-key", "hunter2"], ["x", "--password=hunter2"]])
def test_a_secret_that_no_option_takes_is_not_told_again(words):
    with pytest.raises(ConfigError) as refused:
        OneLineParser(prog="katydid gate").parse_args(words)
    assert "hunter2" not in str(refused.value)
    assert "unrecognized arguments: " in str(refused.value)
