"""Every kind of page, of runs that were made: in a real browser, in each width, light and dark, with a script or not.

What their commands print is read as on a terminal of 80 columns. Slow: it makes twelve runs.
"""

import html
import json
import re

import pytest
from rich.cells import cell_len

from browser import Browser
from folders import write_version
from katydid.cli import main
from running import katydid

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

NARROW, COLUMNS = 400, 80
ANSWERS = "--ttft 30ms --chunks 8 --chunk-interval 10ms --slots 4"
SPEECH = "--speech-workers 4 --speech-rtf 0.05"
TALK = ("--users", "6", "--interval", "2", "--run-time", "8s")
SLOTS = "--slots 2 --duration 200ms"
RUNS = {
    "run": (ANSWERS, "run", "stream", "--users", "6", "--interval", "1", "--run-time", "4s"),
    "run that fails": (
        f"{ANSWERS} --fail http_429=0.4", "run", "stream", "--users", "6", "--interval", "1", "--run-time", "5s",
        "--failure-threshold", "0",
    ),
    "burst": (SLOTS, "run", "burst", "--users", "12"),
    "session": (ANSWERS, "run", "session", "--users", "5", "--interval", "0.3"),
    "chat": (ANSWERS, "run", "chat", "--users", "5", "--run-time", "4s", "--turns", "3"),
    "speech": (SPEECH, "run", "speech", *TALK),
    "tools": (ANSWERS, "run", "tools", "--users", "4", "--interval", "1", "--run-time", "4s"),
    "scale": (
        SLOTS, "run", "scale", "--stages", "2,8,20", "--stage-time", "3s", "--cool-down", "0.5", "--interval", "1",
        "--limit", "1",
    ),
    "capacity": (
        SLOTS, "capacity", "batch", "--interval", "1", "--limit", "1", "--hold", "3", "--steps", "3", "--repeats", "1",
        "--max-users", "30",
    ),
    "chaos": (f"{SPEECH} --speech-restart 2s", "run", "chaos", *TALK, "--chaos-at", "3,5"),
    "storm": (
        f"{SPEECH} --speech-connections 20", "run", "storm", *TALK, "--storm-at", "3", "--storm-clients", "50",
    ),
    "zombies": (SPEECH, "run", "zombies", *TALK, "--zombies-at", "3", "--zombies", "30"),
}  # fmt: skip
"""Options of the target, and the words that make the run."""
MADE_OF_RUNS = {
    "compare": "compare {versions}/v1 {versions}/v2 --no-history --html {page}",
    "compare of several": "compare {versions}/v1 {versions}/v2 {versions}/v3 --no-history --html {page}",
    "history": "history {versions} --html {page}",
    "plan": "plan --concurrency 500 --rtf 0.1 --html {page}",
}
KINDS = [*RUNS, *MADE_OF_RUNS, "index"]
VERDICTS = """
[...document.querySelectorAll("section table")].slice(0, 1).flatMap((table) => [...table.querySelectorAll("td.leads")])
  .map((cell) => cell.getBoundingClientRect()).every((box) => box.left >= 0 && box.right <= window.innerWidth)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("every-page")


@pytest.fixture(scope="module")
def printed(folder):
    """What each run said, on so many columns; the runs lie in `reports`, under the kind as their version."""

    def make(kind):
        target, *words = RUNS[kind]
        label = kind.replace(" ", "-")
        done = katydid(
            *words, f"--embedded-target={target}", "--version-label", label, folder=folder,
            env={"COLUMNS": str(COLUMNS)},
        )  # fmt: skip
        done.wait(120)
        return done.out + done.err

    return {kind: make(kind) for kind in RUNS}


@pytest.fixture(scope="module")
def pages(folder, printed):
    """Each kind's page."""
    versions = folder / "versions" / "stream"
    for number, (version, slower) in enumerate({"v1": 0.0, "v2": 0.3, "v3": 0.0}.items()):
        write_version(versions, version, (0.01, -0.01, 0.005), first_minute=number, step=3, slower=slower, cycles=6)
    found = {"index": folder / "reports" / "index.html"}
    for kind in printed:
        (found[kind],) = (folder / "reports").glob(f"*/{kind.replace(' ', '-')}/*/report.html")
    for kind, words in MADE_OF_RUNS.items():
        found[kind] = folder / f"{kind.replace(' ', '-')}.html"
        main(words.format(versions=versions, page=found[kind]).split())
    return found


@pytest.fixture(scope="module")
def browser():
    with Browser() as chromium:
        yield chromium


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_is_whole_and_alone_in_every_width_and_light(browser, pages, kind):
    address = pages[kind].as_uri()
    for width, dark, javascript in (
        (width, dark, javascript) for width in (NARROW, 1400) for dark in (False, True) for javascript in (False, True)
    ):
        where = (width, dark, javascript)
        page = browser.open(address, width=width, dark=dark, javascript=javascript)
        page.command("Emulation.setScriptExecutionDisabled", value=False)  # the page has loaded, with its own or not
        assert page.evaluate("document.documentElement.scrollWidth") <= width, where
        page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, where
        assert page.texts_over_another() == [], where
        assert page.split_words() == [], where
        assert page.hidden_cells(width) == [], where
        assert page.evaluate(VERDICTS), where
        assert page.problems == [], where
        assert page.requests == [address], where


@pytest.mark.parametrize("kind", RUNS)
def test_the_headline_is_that_of_the_summary(browser, pages, kind):
    text = json.loads((pages[kind].parent / "summary.json").read_text(encoding="utf-8"))["headline"]["text"]
    assert browser.open(pages[kind].as_uri()).evaluate("document.querySelector('h1').textContent") == text


def test_a_primary_metrics_verdict_is_seen_without_scrolling_sideways(browser, pages):
    page = browser.open(pages["compare"].as_uri(), width=NARROW)
    boxes = page.evaluate(
        "[...document.querySelectorAll('#metrics ~ .scroll tr')].filter((row) => row.textContent.includes('*'))"
        ".map((row) => row.querySelector('.leads').getBoundingClientRect()).map((box) => [box.left, box.right])"
    )
    assert boxes
    assert all(0 <= left < right <= NARROW for left, right in boxes)


@pytest.mark.parametrize("kind", RUNS)
def test_a_run_says_all_on_80_columns_and_its_verdict_first(printed, pages, kind):
    text = printed[kind]
    assert [line for line in text.splitlines() if cell_len(line) > COLUMNS and "/" not in line] == []
    headline = json.loads((pages[kind].parent / "summary.json").read_text(encoding="utf-8"))["headline"]["text"]
    assert headline in re.sub(r"\n(?! )", " ", html.unescape(text))


def test_a_small_run_has_a_small_page(pages):
    assert {kind: page.stat().st_size for kind, page in pages.items() if page.stat().st_size >= 150_000} == {}
