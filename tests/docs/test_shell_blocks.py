"""Every shell block of README and docs does what it says: it is run as it is printed, or says why it is not.

`tests/support/standin.py` says what is cut short meanwhile, and whose services are ours.
"""

import os
import re
import shutil
import subprocess
import wave
from pathlib import Path

import pytest

from folders import write_run
from pagerun import PageRun
from pages import Block, blocks
from runfolders import write_run as write_version
from running import ROOT, katydid, the_run
from synthetic import synthetic_run

README = ROOT / "README.md"
DOCS = ROOT / "docs"
PAGES = [README, *sorted(DOCS.rglob("*.md"))]
QUICK = {"compare", "gate", "history", "completion", "--version"}
"""Commands that send nothing and take a second; on pages that have made no run before, with --only-read and --help."""

OF_A_CLONE = re.compile(r"\./scripts/|python (?:scripts|benchmarks)/|(?:examples|locustfiles|thresholds)/\w")

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the blocks are bash's")


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def runs(page: Path) -> list[Block]:
    return [block for block in blocks(page) if block.runs]


def is_quick(page: Path, block: Block) -> bool:
    called = [
        line.split() for line in block.text.splitlines() if re.match(r"\S*(katydid|locust|\.sh|python|pip)\b", line)
    ]
    known = QUICK if page == README else set()
    return bool(called) and all(
        words[0] == "katydid" and (words[1] in known or "--help" in words or "--only-read" in words) for words in called
    )


def clone(to: Path) -> Path:
    """A copy of the tree whose setup has been made: with the commands that are stood in for."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not a git repository: nobody knows what belongs to the tree")
    files = listed.stdout.decode().split("\0")
    for file in (name for name in files if name and not name.startswith(("tests/", "docs/"))):
        if (ROOT / file).is_file():
            (to / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / file, to / file)
    stamp = 'source "$1/scripts/lib.sh"; make_env() { mkdir -p "$1"; printf %s "$4" > "$1/.stamp"; }; katydid_setup dev'
    subprocess.run(["bash", "-c", stamp, "bash", to], check=True)
    return to


def suppose(folder: Path, *, speech: bool) -> None:
    """What README takes for granted: the runs of some versions, recordings, a thresholds file."""
    for number, version in enumerate(("v1.0", "v1.3", "v1.4", "v1.5")):
        write_version(folder / "reports", version, number=number, failing=0.0)
    named = folder / "reports" / "stream" / "v1.4" / "20261121T090000Z"
    write_run(named, synthetic_run(seed=9, version="v1.4", failing=0.0), minute=200)
    shutil.copy(ROOT / "thresholds" / "stream.toml", folder / "my.toml")
    (folder / "recordings").mkdir()
    with wave.open(str(folder / "recordings" / "hello.wav"), "wb") as recording:
        recording.setparams((1, 2, 16_000, 0, "NONE", ""))
        recording.writeframes(bytes(16_000))
    if speech:
        spoken = folder.parent / "spoken"
        katydid("run", "speech", "--embedded-target=--speech-rtf 0.05", "--users", 4, "--interval", 1.5, "-t", "4s",
                folder=spoken).wait()  # fmt: skip
        shutil.copytree(the_run(spoken).path, folder / "reports" / "speech" / "v1" / "20261121T090000Z")


def run_page(page: Path, chosen: list[Block], folder: Path, *, supposed: bool) -> None:
    reader, scratch = folder / "reader", folder / "scratch"
    reader.mkdir()
    scratch.mkdir()
    in_clone = page == README or any(OF_A_CLONE.search(block.text) for block in chosen)
    if in_clone:
        clone(reader)
    if page == README:
        suppose(reader, speech=supposed)
    commands = reader / ".venv" / "bin" if in_clone else None
    PageRun(page, reader, scratch, (), commands).run(chosen)


def test_there_are_pages_with_blocks():
    assert sum(len(runs(page)) for page in PAGES) > 10


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_block_says_what_it_is(page):
    assert [block.line for block in blocks(page) if not block.language] == [], "name a language; `text` is none to run"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_block_that_is_not_run_says_why(page):
    silent = [block.line for block in blocks(page) if block.is_shell and block.reason == ""]
    assert silent == [], "a comment `<!-- not run: reason -->` without a reason"


def quick_blocks():
    """Each block that is quick; the slowest of them is among the slower proofs."""
    for page in PAGES:
        for block in runs(page):
            if is_quick(page, block):
                marks = [pytest.mark.slow] if "katydid history" in block.text else []
                yield pytest.param(page, block, id=f"{name(page)}:{block.line}", marks=marks)


@pytest.mark.parametrize(("page", "block"), list(quick_blocks()))
def test_what_sends_nothing_does_what_it_says(page, block, tmp_path):
    run_page(page, [block], tmp_path, supposed=False)


@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("page", [page for page in PAGES if any(not is_quick(page, b) for b in runs(page))], ids=name)
def test_what_loads_a_service_does_what_it_says(page, tmp_path):
    # The quick ones of README suppose other runs than the page has made until then; elsewhere they go with the others.
    chosen = [block for block in runs(page) if page != README or not is_quick(page, block)]
    run_page(page, chosen, tmp_path, supposed=True)
