"""`index.html` beside the runs: written with every report, in nobody's way, and complete from `file://`."""

import re

import pytest

from browser import Browser
from katydid.cli import main
from runfolders import copy_run, write_run
from synthetic import HOSTILE

RUN = {"failing": 0.0, "users": 4, "cycles": 3}


def index(results):
    return (results / "index.html").read_text(encoding="utf-8")


@pytest.fixture
def results(tmp_path):
    """Two versions, the second with two runs."""
    results = tmp_path / "reports"
    for number, version in enumerate(("v1", "v2", "v2")):
        run = write_run(results, version, number=number, **RUN)
        assert main(["report", str(run.path)]) == 0
    return results


def test_all_runs_are_listed_by_version_newest_first_with_headline_and_link(results):
    page = index(results)
    links = re.findall(r'<a href="(stream/(v\d)/(\w+)/report\.html)">', page)
    assert [version for _, version, _ in links] == ["v1", "v2", "v2"]
    assert [time for _, _, time in links][1:] == sorted((time for _, _, time in links[1:]), reverse=True)
    assert all((results / link).is_file() for link, _, _ in links)
    assert page.count("PASSED: ") == 3


def test_it_opens_from_its_file_and_its_links_lead_to_the_reports(results):
    with Browser() as chromium:
        page = chromium.open((results / "index.html").as_uri(), width=400)
        assert page.problems == []
        assert page.hidden_cells(400) == []
        target = page.evaluate("document.querySelector('td a').href")
        assert chromium.open(target).evaluate("document.querySelector('h1').innerText").startswith("PASSED")


@pytest.mark.parametrize("kind", ["a page of somebody else's", "a link to one", "a link to nowhere"])
def test_what_is_not_ours_stays_as_it_is(kind, tmp_path):
    results, other = tmp_path / "reports", tmp_path / "other.html"
    run = write_run(results, "v1", **RUN)
    other.write_text("theirs")
    if kind == "a page of somebody else's":
        (results / "index.html").write_text("theirs")
    else:
        (results / "index.html").symlink_to(other if kind == "a link to one" else tmp_path / "nowhere")
    assert main(["report", str(run.path)]) == 0
    assert other.read_text() == "theirs"
    assert not (tmp_path / "nowhere").exists()
    assert (results / "index.html").is_symlink() or index(results) == "theirs"


def test_a_run_that_lies_elsewhere_has_none(tmp_path):
    run = write_run(tmp_path / "reports", "v1", **RUN)
    copied = copy_run(run, tmp_path / "a" / "b" / "c" / "run")
    assert main(["report", str(copied.path)]) == 0
    assert list(tmp_path.rglob("index.html")) == []


def test_a_version_is_no_markup_and_its_link_stays_inside(tmp_path):
    run = write_run(tmp_path, HOSTILE, **RUN)
    assert main(["report", str(run.path)]) == 0
    page = index(tmp_path)
    assert "<img" not in page
    assert all(link.startswith("stream/") for link in re.findall(r'<a href="([^"#]*)"', page))
