"""`katydid run --help`: what most runs need comes first, each option with its default, Locust's options apart."""

import os
import subprocess
from functools import cache

import pytest

from katydid.cli import CLOSED_PIPE
from katydid.engine.options import RunOptions
from katydid.engine.options.parsing import headings
from katydid.model.options import Group, options_in
from running import BIN, clean_environment, katydid

FIRST_LINES, WIDTH = 45, 80


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    folder = tmp_path_factory.mktemp("help")

    @cache
    def ask(*words):
        done = katydid(*words, folder=folder, env=clean_environment(COLUMNS=str(WIDTH)))
        assert done.wait(30) == 0
        return done.out

    return ask


@pytest.mark.parametrize(
    ("option", "default"),
    [
        ("--host", "default: none; LOCUST_HOST"),
        ("--users", "default: 1;"),
        ("--interval", "default: 20s;"),
        ("--run-time", "default: until Ctrl-C;"),
        ("--model", "default: the first one"),
        ("--prompts", "default: built-in prompts"),
        ("--rate", "default: none;"),
        ("--concurrency", "default: none;"),
        ("--body", "default: none;"),
        ("--input-tokens", "default: no generated prompts;"),
        ("--output-tokens", "default: up to --max-tokens;"),
        ("--failure-threshold", "default: 5;"),
        ("--version-label", "default: `git describe`"),
    ],
)
def test_the_most_used_options_are_on_the_first_screen(told, option, default):
    first = "\n".join(told("run", "stream", "--help").splitlines()[:FIRST_LINES])
    _, found, rest = first.partition("Most used:")[2].partition(f"{option} ")
    assert found
    assert default in " ".join(rest.split("\n  -")[0].split())


@pytest.mark.parametrize("command", ["run", "web", "capacity"])
@pytest.mark.parametrize("words", [("--help",), ("stream", "--help"), ("--help-locust",)])
def test_no_line_is_longer_than_the_terminal_is_wide(told, command, words):
    assert [line for line in told(command, *words).splitlines() if len(line) > WIDTH] == []


def test_every_option_of_a_run_has_one_heading():
    groups = headings()
    grouped = [name for names in groups.values() for name in names]
    assert len(grouped) == len(set(grouped))
    assert {each.name for each in options_in(RunOptions)} - set(grouped) == set()
    assert not any(each.metadata["group"] is Group.OWN for each in options_in(RunOptions))
    assert groups["Request, --api generic-sse"][0] == "sse_content"


def test_help_has_the_headings_in_their_order(told):
    text = told("run", "--help")
    places = [text.index(f"\n{group}:") for group in Group if group is not Group.OWN]
    assert places == sorted(places)


def test_a_workloads_own_options_come_before_those_of_every_run(told):
    text = told("run", "burst", "--help")
    assert text.index("Options of burst:") < text.index("--burst-pause") < text.index("Request:")


def test_a_search_shows_its_own_options_first(told):
    text = told("capacity", "--help")
    own = text.index("Options of capacity:")
    assert own < text.index("--max-users") < text.index("Most used:") < text.index("Request:")
    assert "--run-time" not in text.partition("Locust's options")[0]


def test_locusts_options_are_apart(told):
    assert "--processes" not in told("run", "--help").partition("Locust's options")[0]
    locusts = told("run", "--help-locust")
    assert "--processes" in locusts
    assert "--interval" not in locusts


@pytest.mark.skipif(os.name == "nt", reason="pipes end otherwise there")
def test_a_reader_that_has_left_hears_no_complaint(tmp_path):
    reader, writer = os.pipe()
    os.close(reader)  # as `| head` does once it has its lines
    command = [BIN / "katydid", "run", "--help"]
    done = subprocess.run(
        command, cwd=tmp_path, env=clean_environment(), stdout=writer, stderr=subprocess.PIPE, check=False
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (CLOSED_PIPE, b"")
