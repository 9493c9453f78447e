"""Every figure of summary.json, recomputed by a script that shares no code with Katydid: no difference."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from folders import write_run
from katydid.analysis.derived import warm_up_counts
from katydid.analysis.summary import summarise
from katydid.runs.folder import SUMMARY
from katydid.runs.gaps import counted
from katydid.stats.histogram import Histogram
from recompute import differences
from synthetic import synthetic_run

STOP = 60_000.0


def closed(run):
    run.manifest |= {"interval_s": 0.0, "schedule": "closed"}


def stalled(run):
    """A user in three waits for two of its intervals: what was due meanwhile was never sent."""
    waits = (run.samples["user"] % 3 == 0) & (run.samples["iteration"] == 4)
    run.samples.loc[waits, "duration_ms"] = 12_000.0
    never = (run.samples["user"] % 3 == 0) & run.samples["iteration"].isin([5, 6])
    run.samples = run.samples[~never].reset_index(drop=True)


def in_one_piece(run):
    run.samples[["ttft_ms", "gap_mean_ms", "gap_p99_ms", "gap_max_ms", "ttft_bound", "chunks"]] = None
    run.samples[["ttft_ms", "gap_mean_ms", "gap_p99_ms", "gap_max_ms", "chunks"]] = np.nan


def stopped(run):
    """By the failure threshold, with requests in flight: some fail later, some are cut off, some succeed."""
    later = run.samples["start_ms"] + run.samples["duration_ms"] > STOP
    run.samples = run.samples[run.samples["start_ms"] <= STOP]
    run.samples["after_stop"] = later[run.samples.index]
    ends = run.samples.index[run.samples["after_stop"]]
    run.samples.loc[ends[::3], "outcome"] = "failed"
    run.samples.loc[ends[1::3], ["outcome", "duration_ms"]] = ["aborted", np.nan]
    run.manifest |= {"ended": "failure-threshold", "stopped_at_ms": STOP, "failure_threshold": 5}


def cut_off(run):
    """By the end of the run."""
    late = run.samples["scheduled_ms"] > run.manifest["stopped_at_ms"] - 3000.0
    run.samples.loc[late, ["outcome", "duration_ms", "after_stop"]] = ["aborted", np.nan, True]


def failing(run):
    run.samples[["outcome", "error", "blame"]] = ["failed", "overloaded", "target"]


def of_one_token(run):
    run.samples["completion_tokens"], run.samples["chunks"] = 1.0, 1
    run.samples["duration_ms"] = run.samples["ttft_ms"]


def in_a_ramp(run):
    run.manifest |= {"phase": "spawn", "ramp_per_s": 4.0}
    run.samples[["scheduled_ms", "start_ms"]] += run.samples[["user"]].to_numpy() * 250.0


def at_a_rate(run):
    """Of 10 requests/s some were never sent, as no user was free."""
    run.samples["scheduled_ms"] = 100.0 * np.arange(len(run.samples))
    run.samples["start_ms"] = run.samples["scheduled_ms"] + run.samples["late_ms"]
    run.samples = run.samples[run.samples.index % 9 != 4]
    run.manifest |= {"interval_s": 0.0, "schedule": "rate", "rate_per_s": 10.0, "arrivals": "even"}


def uncounted(run):
    run.samples[["completion_tokens", "prompt_tokens"]] = np.nan


def reasoning(run):
    """Half of the answers show their reasoning, and half keep it back."""
    shown = run.samples["user"] % 2 == 0
    run.samples["ttfo_ms"] = run.samples["ttft_ms"] + np.where(shown, 400.0, 0.0)
    run.samples["reasoning_tokens"] = 20.0


def sent_again(run):
    run.samples["resent"] = run.samples["user"] % 5 == 0
    run.samples["ended_ms"] = run.samples["start_ms"] + 60_000.0


def conversations(run):
    """Each iteration of two requests, with a row for the whole."""
    second = run.samples.assign(scheduled_ms=run.samples["scheduled_ms"] + 800.0, late_ms=0.0)
    whole = run.samples.assign(kind="iteration", conversation_ms=2000.0 + run.samples["user"])
    run.samples = pd.concat([run.samples, second, whole], ignore_index=True)
    run.samples.loc[run.samples["user"] == 3, "conversation_ms"] = np.nan


def never_settled(run):
    run.samples["warm_up"] = True


KINDS = [
    closed, stalled, in_one_piece, stopped, cut_off, failing, of_one_token, in_a_ramp, at_a_rate, uncounted, reasoning,
    sent_again, conversations, never_settled,
]  # fmt: skip


def written(folder, change, **more):
    run = synthetic_run(users=12, cycles=14, **more)
    change(run)
    run.manifest["partial"] = False
    made = write_run(folder, run)
    gaps = Histogram()
    gaps.add(list(run.samples["gap_mean_ms"].dropna() / 1000.0), zeros=7)
    rows = [{"warm_up": False, "bucket": bucket, "count": count} for bucket, count in gaps.counts.items()]
    if rows:
        pd.DataFrame(rows).to_parquet(folder / "gaps.parquet")
    manifest = made.manifest()
    histogram = counted(made.gaps(), warm_up=warm_up_counts(manifest))
    made.write_json(SUMMARY, summarise(made.samples(), made.monitor(), manifest, histogram))
    return folder


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_no_figure_of_a_run_differs(tmp_path, kind):
    lines, compared = differences(written(tmp_path / "run", kind))
    assert lines == []
    assert compared >= 12


def test_a_wrong_figure_is_found(tmp_path):
    folder = written(tmp_path / "run", reasoning)
    summary = json.loads((folder / "summary.json").read_text())
    summary["metrics"]["ttft.p95"] *= 1.001
    summary["metrics"]["goodput"] = None
    (folder / "summary.json").write_text(json.dumps(summary))
    assert [line.partition(":")[0] for line in differences(folder)[0]] == ["ttft.p95", "goodput"]


REAL = {
    "stream": ["stream", "--users", "10", "--interval", "1"],
    "closed": ["stream", "--users", "4", "--concurrency", "4"],
    "batch": ["batch", "--users", "10", "--interval", "1"],
    "rate": ["stream", "--users", "20", "--rate", "15"],
    "two processes": ["stream", "--users", "10", "--interval", "1", "--processes", "2"],
    "saturated": ["stream", "--users", "30", "--interval", "1", "--embedded-target", "--slots 2 --chunks 20"],
    "stopped": ["stream", "--users", "20", "--interval", "0.5", "--failure-threshold", "5", "--embedded-target",
                "--fail reset=0.2"],
    "tools": ["tools", "--users", "5", "--interval", "2"],
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("words", REAL.values(), ids=REAL.keys())
def test_no_figure_of_a_real_run_differs(tmp_path, words):
    target = [] if "--embedded-target" in words else ["--embedded-target"]
    command = [sys.executable, "-m", "katydid", "run", *words, *target, "--run-time", "6s", "--results", str(tmp_path)]
    subprocess.run(command, check=False, capture_output=True, timeout=120)
    (folder,) = (file.parent for file in tmp_path.glob("*/*/*/summary.json"))
    lines, compared = differences(folder)
    assert lines == []
    assert compared >= 12
