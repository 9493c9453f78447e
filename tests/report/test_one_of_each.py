"""Runs of one user, one request, one failure, one run a side: each noun that is counted is in the singular."""

import re

import pandas as pd
import pytest

from documents import manifest_with, summary_with
from katydid.analysis.comparison.estimates import RunData
from katydid.analysis.comparison.stops import compare_stops
from katydid.cli import main
from katydid.model.documents.comparison import CompareSettings
from runfolders import change_samples, write_run

NOUNS = (
    "users|requests|runs|failures|failed requests|workers|stages|chunks|tokens|versions|processes|rows|values|checks"
)
ONE_OF_SEVERAL = re.compile(rf"(?<![\w.,/–−-])1[ \u00a0](?:{NOUNS})\b(?! a\b)|(?:user|run|worker)\(s\)")
"""`1 users`; not `0.1 users`, not the 1 of `v1 runs`."""

ONE = {"users": 1, "cycles": 1, "failing": 0.0}
STOPPED = {"ended": "failure-threshold", "failure_threshold": 1}
KINDS = {
    "one request": ("ok", {}),
    "one that failed": ("failed", {}),
    "one that was cut off": ("aborted", {}),
    "the failure threshold": ("failed", STOPPED),
    "all users at once": ("failed", STOPPED | {"phase_asked": None, "ramp_per_s": None}),
    "a lost worker": ("ok", {"lost_workers": ["w1"]}),
    "a lost row": ("ok", {"missing_rows": 1}),
    "a value that did not fit": ("ok", {"nulled_values": 1}),
}


def said_by(run, capsys):
    """All that a run's report says, on a page, in its summary and on a terminal."""
    main(["report", str(run.path)])
    files = [(run.path / name).read_text(encoding="utf-8") for name in ("report.html", "summary.json")]
    return "\n".join([*files, *capsys.readouterr()])


@pytest.mark.parametrize(("outcome", "manifest"), KINDS.values(), ids=KINDS)
def test_a_report_of_one_request_counts_one(outcome, manifest, tmp_path, capsys):
    run = write_run(tmp_path, **ONE, **manifest)
    failed = {"error": "overloaded", "blame": "target", "status": 503} if outcome == "failed" else {}
    change_samples(run, lambda frame: frame.assign(outcome=outcome, **failed))
    text = said_by(run, capsys)
    assert "1 request" in text
    assert ONE_OF_SEVERAL.findall(text) == []


def test_a_comparison_and_a_gate_of_one_run_a_side_count_one(tmp_path, capsys):
    thresholds = tmp_path / "my.toml"
    thresholds.write_text('[objective]\n"ttft.p95" = "< 1ms"\n[regression]\n"ttft.p50" = "5%"\n')
    sides = [str(write_run(tmp_path, version, number=number, **ONE).path) for number, version in enumerate("ab")]
    main(["compare", *sides, "--html", str(tmp_path / "c.html"), "--markdown", str(tmp_path / "c.md")])
    main(["gate", sides[1], "--thresholds", str(thresholds), "--baseline", sides[0]])
    main(["history", str(tmp_path / "stream")])
    text = "\n".join([*capsys.readouterr(), *((tmp_path / f"c.{kind}").read_text("utf-8") for kind in ("html", "md"))])
    assert len(text) > 1000
    assert ONE_OF_SEVERAL.findall(text) == []


@pytest.mark.parametrize(("base", "new"), [([1], [1]), ([1], [None]), ([1], [7]), ([1, 1], [1, None]), ([9], [None])])
def test_versions_that_the_failure_threshold_stopped_at_one_user_count_one(base, new):
    ramp = {"failure_threshold": 1, "users": 500, "spawn_rate": 10, "ramp_per_s": 10.0, "interval_s": 20.0}
    at_stop = ("users_at_stop", "in_flight_at_stop", "requests_at_stop", "ok_at_stop", "time_to_stop")

    def run(users):
        ended = "run-time" if users is None else "failure-threshold"
        metrics = dict.fromkeys(at_stop, None if users is None else float(users))
        return RunData("folder", manifest_with(ramp, ended=ended), pd.DataFrame(), summary_with(metrics=metrics))

    stops = compare_stops([run(u) for u in base], [run(u) for u in new], CompareSettings(), interleaved=True)
    assert stops.reasons
    assert ONE_OF_SEVERAL.findall(" ".join(stops.reasons)) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [("at 1 users;", 1), ("1\u00a0requests", 1), ("2 worker(s)", 1), ("0.1 users a second, 11 runs", 0), ("1 user", 0)],
)
def test_one_of_several_is_found(text, found):
    assert len(ONE_OF_SEVERAL.findall(text)) == found
