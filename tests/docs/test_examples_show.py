"""Examples of the pages on the embedded target show what they claim, as they are printed and at every try."""

import re
import shlex
from itertools import pairwise

import pytest

from pages import blocks
from running import ROOT, katydid, the_run

DOCS = ROOT / "docs"
MISSED = 0.001
"""Most that the chance may be of a run in which nothing is found."""
RATE = re.compile(r"--\w+-fail \w+=(?P<rate>[\d.]+)")


def printed(page, beginning):
    """The words of the page's first command that begins so, without `katydid` and what the shell does with its end."""
    texts = (block.text.replace("\\\n", " ") for block in blocks(DOCS / page) if block.runs)
    line = next(line for text in texts for line in text.splitlines() if line.strip().startswith(beginning))
    return shlex.split(line.partition("||")[0])[1:]


def show(folder, page, beginning):
    done = katydid(*printed(page, beginning), folder=folder)
    code = done.wait()
    return code, the_run(folder / "reports"), done


def drawn(words):
    """How often chance decides on a fault in a run of these words, at least."""
    given = dict(pairwise(words))
    if "--turns" in given:
        return int(given["--users"]) * int(given["--turns"])
    return int(given["--users"]) * int(float(given["-t"].removesuffix("s")) / float(given["--interval"]))


DEFECTS = [
    ("how-to/sessions.md", "katydid run session --embedded"),
    ("how-to/tools.md", "katydid run tools --embedded"),
]


@pytest.mark.parametrize(("page", "beginning"), DEFECTS)
def test_a_target_with_a_defect_to_find_has_one_in_nearly_every_run(page, beginning):
    words = printed(page, beginning)
    (rate,) = (float(found["rate"]) for word in words for found in RATE.finditer(word))
    assert (1 - rate) ** drawn(words) < MISSED


@pytest.mark.e2e
def test_the_session_example_shows_a_leak_between_users(tmp_path):
    code, run, _ = show(tmp_path, *DEFECTS[0])
    isolation = next(check for check in run.summary["checks"] if check["name"] == "isolation")
    assert code == 1
    assert not isolation["passed"]
    assert isolation["violations"] >= 1
    assert isolation["examples"][0]["user"] != isolation["examples"][0]["other_user"]


@pytest.mark.e2e
def test_the_tools_example_shows_wrong_calls(tmp_path):
    _, run, _ = show(tmp_path, *DEFECTS[1])
    assert "wrong_tool_calls" in set(run.samples["error"])
    assert 0 < run.summary["metrics"]["conversations_ok"] < 1


@pytest.mark.e2e
def test_the_burst_example_shows_four_at_a_time(tmp_path):
    _, run, done = show(tmp_path, "how-to/bursts.md", "katydid run burst --embedded")
    assert run.summary["concurrency"]["slots"] == 4
    assert "4 at a time" in done.out


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("page", "beginning"),
    [
        ("how-to/ramp.md", "katydid run stream --embedded"),
        ("tutorial.md", 'katydid run stream --embedded-target="--chunks 10 --fail'),
    ],
)
def test_the_threshold_examples_stop_at_the_fifth_failure(tmp_path, page, beginning):
    _, run, _ = show(tmp_path, page, beginning)
    assert run.manifest["ended"] == "failure-threshold"
    assert run.summary["counts"]["failed"] == 5
