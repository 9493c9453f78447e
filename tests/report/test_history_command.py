"""`katydid history`: what it prints and writes, and its exit codes."""

import json

import pytest

from browser import Browser
from katydid.analysis.history import Change, History, MetricHistory, Trend, Version
from katydid.cli import main
from katydid.report.history import TENTATIVE, history_page, history_sentence, sparkline
from runfolders import write_run
from synthetic import HOSTILE

LOAD = {"users": 20, "cycles": 10, "failing": 0.0}


@pytest.fixture(scope="module")
def stream(tmp_path_factory):
    """Ten versions of two runs, 30 % slower from v6 on; a run of another load, and a damaged one."""
    results = tmp_path_factory.mktemp("reports")
    for number in range(20):
        version = number // 2
        write_run(results, f"v{version}", number=number, slower=1.3 if version >= 6 else 1.0, **LOAD)
    write_run(results, "other", number=7, **LOAD | {"interval": 6.0})
    (write_run(results, "damaged", number=8, **LOAD).path / "summary.json").write_text("{")
    return results / "stream"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """Versions whose labels are markup."""
    results = tmp_path_factory.mktemp("hostile")
    for number in range(10):
        write_run(results, f"{number} {HOSTILE}", number=number, slower=1.5 if number > 5 else 1.0, **LOAD)
    return results / "stream"


def test_the_change_is_the_first_thing_that_is_said(stream, capsys):
    assert main(["history", str(stream)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("The level changed at 1 of 10 versions. v6: ")
    assert " slower, +" in out.splitlines()[0]


def test_runs_that_do_not_count_are_told(stream, capsys):
    main(["history", str(stream)])
    out = capsys.readouterr().out
    assert "summary.json is damaged" in out
    assert "is left out: unlike in the newest run, interval_s differs (6 and 5)" in out


def test_its_json_is_alone_on_standard_output(stream, capsys):
    assert main(["history", str(stream), "--json", "-"]) == 0
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert [version["version"] for version in told["versions"]] == [f"v{i}" for i in range(10)]
    changes = {change["version"] for metric in told["metrics"] for change in metric["changes"]}
    assert changes == {"v6"}
    assert told["pinned"] is None
    assert err.startswith("The level changed")


def test_a_pinned_version_catches_what_crept_in(tmp_path, capsys):
    """Ten versions, one a day, each 5 % slower than the one before."""
    for day in range(10):
        write_run(tmp_path, f"v{day}", number=144 * day, slower=1.05**day, **LOAD)
    assert main(["history", str(tmp_path / "stream"), "--pin", "v0", "--json", "-"]) == 1
    out, err = capsys.readouterr()
    assert json.loads(out)["pinned"]["verdict"] == "slower"
    assert "Against the pinned version: SLOWER. v9 is slower than v0" in err


def test_versions_of_one_day_do_not_tell_how_much_days_differ(stream, capsys):
    """A jump from one day to the next may be the day's."""
    assert main(["history", str(stream), "--pin", "v0", "--json", "-"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["pinned"]["verdict"] == "cannot_tell"
    assert "make the runs interleaved (katydid ab)" in err


def change(version, index, *, confirmed, by=0.2):
    return Change(version, index, 1000.0, 1000.0 * (1 + by), by, by - 0.02, by + 0.02, "slower", confirmed)


def past(*, changes=(), trend=None, count=12):
    versions = tuple(Version(f"v{number}", f"2026-11-{number + 1:02}T00:00:00+00:00", ()) for number in range(count))
    levels = tuple(1000.0 + number for number in range(count))
    return History(versions, (MetricHistory("duration.p50", levels, levels, tuple(changes), "", trend),), ())


def test_a_change_that_is_not_confirmed_yet_is_called_tentative():
    told = history_sentence(past(changes=[change("v4", 4, confirmed=True), change("v10", 10, confirmed=False)]))
    first, _, second = told.partition(". ")
    assert first == "The level changed at 1 of 12 versions"
    assert f"{TENTATIVE}: v10: duration.p50 slower, +20" in second
    alone = history_sentence(past(changes=[change("v10", 10, confirmed=False)]))
    assert alone.startswith(f"No confirmed level change in 12 versions. {TENTATIVE}: v10: ")


@pytest.mark.parametrize(("confirmed", "head"), [(True, "Trend: "), (False, "Trend (tentative, ")])
def test_a_trend_is_called_a_trend(confirmed, head):
    found = past(trend=Trend(0.005, 0.003, 0.007, 0.056, "slower", confirmed))
    assert history_sentence(found).startswith(head)
    change_text = "+0.50\u00a0% per version (+0.30\u00a0% to +0.70\u00a0%), +5.6\u00a0% in total"
    assert f"duration.p50 slower, {change_text}" in history_sentence(found)
    page = history_page(found, "stream", None)
    assert "<h2" in page
    assert "Trends" in page
    assert "a trend" in page


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere"], "nowhere: no such folder; name a workload's folder"),
        (["STREAM/v0"], "v0 has no versions in it: name a workload's folder, as reports/stream"),
        (["STREAM", "--pin", "v77"], "--pin v77: no run of that version counts; the versions are v5, v6, v7, v8, v9"),
        (["STREAM", "--pin", "v9"], "--pin v9 is the newest version itself: name an older one"),
        ([], "the following arguments are required: FOLDER"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(stream, capsys, words, said):
    assert main(["history", *(word.replace("STREAM", str(stream)) for word in words)]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1


def test_a_folder_in_which_no_run_counts_is_no_history(tmp_path, capsys):
    write_run(tmp_path, "v1", **LOAD, lost_workers=["w"])
    assert main(["history", str(tmp_path / "stream")]) == 4
    assert capsys.readouterr().out.startswith("No history: no run can be used.")


def test_few_versions_are_shown(tmp_path, capsys):
    write_run(tmp_path, "v1", **LOAD)
    assert main(["history", str(tmp_path / "stream"), "--html", str(tmp_path / "h.html")]) == 0
    assert capsys.readouterr().out.startswith("1 version: too few to detect changes.")
    assert "1 version: too few" in (tmp_path / "h.html").read_text()


def test_the_page_says_the_same_and_shows_every_course(stream, capsys, tmp_path):
    main(["history", str(stream), "--html", str(tmp_path / "h.html")])
    page = (tmp_path / "h.html").read_text()
    assert capsys.readouterr().out.splitlines()[0] in page
    assert page.count("<figure") == 12
    assert "v6: +" in page


def test_the_page_is_whole_in_a_browser_on_a_telephone_too(stream, hostile, tmp_path):
    with Browser() as browser:
        for name, folder in (("good", stream), ("hostile", hostile)):
            file = tmp_path / f"{name}.html"
            assert main(["history", str(folder), "--html", str(file)]) == 0
            page = browser.open(file.as_uri(), width=400)
            assert page.problems == []
            assert page.requests == [file.as_uri()]
            assert page.evaluate("document.documentElement.scrollWidth") == 400
            assert page.evaluate("document.querySelectorAll('main img').length") == 0


def test_no_label_paints_the_terminal(hostile, capsys):
    assert main(["history", str(hostile)]) == 0
    assert not {"\x1b", "\u202e"} & set(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("values", "drawn"),
    [
        ([1.0, 2.0, 3.0, 8.0], "▁▂▃█"),
        ([5.0, 5.0], "▁▁"),
        ([None, 1.0, None, 2.0], "·▁·█"),
        ([None], "·"),
        ([0.0] * 50 + [1.0], "▁" * 39 + "█"),
    ],
)
def test_a_curve_of_one_line(values, drawn):
    assert sparkline(values) == drawn
