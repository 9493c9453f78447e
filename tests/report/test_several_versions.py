"""More than two versions: each against the first, one family of tests, one table, one picture."""

import json
import re

import pytest

from folders import write_version
from katydid.cli import main
from schemas import misfits

LUCK = (0.01, -0.01, 0.005, -0.005, 0.0)
VERSIONS = {"v1": 0.0, "v2": 0.25, "v3": 0.0}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Three versions whose runs were interleaved; the second is slower."""
    folder = tmp_path_factory.mktemp("reports")
    for place, (version, slower) in enumerate(VERSIONS.items()):
        write_version(folder, version, LUCK, first_minute=place, step=len(VERSIONS), slower=slower)
    return folder


def compare(root, *words, versions=("v1", "v2", "v3")):
    return main(["compare", *(str(root / version) for version in versions), *words])


def test_each_is_compared_with_the_first_and_all_are_one_family(root, capsys):
    assert compare(root, "--json", "-") == 0
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert misfits("comparisons", told) == []
    assert told["verdict"] == "slower"
    assert [(each["version"], each["verdict"]) for each in told["comparisons"]] == [
        ("v2", "slower"), ("v3", "no_difference")
    ]  # fmt: skip
    assert {each["sides"][0]["versions"][0] for each in told["comparisons"]} == {"v1"}
    assert {each["settings"]["family_alpha"] for each in told["comparisons"]} == {0.005}
    assert err.startswith("Against v1: v2 SLOWER, v3 NO DIFFERENCE.")


def test_a_comparison_among_others_differs_from_one_alone_only_in_its_level(root, capsys):
    compare(root, "--json", "-")
    among = json.loads(capsys.readouterr().out)["comparisons"][0]
    compare(root, "--json", "-", versions=("v1", "v2"))
    alone = json.loads(capsys.readouterr().out)
    keys = ("name", "base", "new", "change", "low", "high", "verdict")
    assert [[m[key] for key in keys] for m in among["metrics"]] == [[m[key] for key in keys] for m in alone["metrics"]]
    assert alone["settings"]["family_alpha"] == 0.01


def test_one_table_has_a_column_a_version_and_marks_what_is_slower(root, tmp_path):
    file = tmp_path / "c.md"
    assert compare(root, "--markdown", str(file)) == 0
    text = file.read_text(encoding="utf-8")
    assert "| Metric | v1 | v2 | v3 |" in text
    together = text[: text.index("### v2: ")]
    (row,) = (line for line in together.splitlines() if line.startswith("| Service time, p50\u00a0&#42; |"))
    _, _, _, second, third, _ = row.split("|")
    assert "**" in second
    assert "slower" in second
    assert "**" not in third


def test_the_page_has_one_picture_and_each_version_s_own_sections(root, tmp_path):
    file = tmp_path / "c.html"
    assert compare(root, "--html", str(file)) == 0
    page = file.read_text(encoding="utf-8")
    assert page.count('<figure class="forest">') == 1
    assert "Service time, p50: v2" in page
    assert "Service time, p50: v3" in page
    for version in ("v2", "v3"):
        assert f"{version}: runs<" in page


def test_versions_of_one_name_are_told_apart(root, tmp_path, capsys):
    write_version(tmp_path, "v2", LUCK, first_minute=2, step=3)
    compare(root, str(tmp_path / "v2"), "--json", "-", versions=("v1", "v2"))
    told = json.loads(capsys.readouterr().out)
    assert [each["version"] for each in told["comparisons"]] == ["v2 (2)", "v2 (3)"]


def test_a_version_that_is_named_twice_is_refused(root, capsys):
    assert compare(root, versions=("v1", "v2", "v2")) == 2
    assert "is named twice: give each version once" in capsys.readouterr().err


def test_one_that_cannot_be_compared_makes_all_invalid_but_tells_the_others(root, tmp_path, capsys):
    write_version(tmp_path, "v4", LUCK, first_minute=2, step=3, users=7)
    assert compare(root, str(tmp_path / "v4"), "--json", "-", versions=("v1", "v2")) == 4
    told = json.loads(capsys.readouterr().out)
    assert [each["verdict"] for each in told["comparisons"]] == ["slower", "invalid"]


def test_the_page_has_its_command_and_links_to_the_runs(root, tmp_path):
    page = tmp_path / "c.html"
    compare(root, "--no-history", "--html", str(page))
    text = re.sub("<[^>]*>", "", page.read_text(encoding="utf-8"))
    paths = " ".join(str(root / version) for version in VERSIONS)
    assert f"katydid compare {paths} --html {page} --no-history" in text
