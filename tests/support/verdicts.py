"""Summaries and comparisons as the gate gets them, without any run behind them."""

from documents import comparison_with, manifest_with, metric_row, summary_with
from katydid.analysis.summary import RunResult
from katydid.gate.judge import judge
from katydid.gate.thresholds import parse_thresholds


def judged_run(name="run", *, few=None, users=20, **changes):
    """A good run: TTFT p95 of 1 s, 1 % failures, 10 requests a second; `changes` to its summary."""
    metrics = {"ttft.p95": 1000.0, "failure_rate": 0.01, "requests_per_s": 10.0} | changes.pop("metrics", {})
    good = {
        "valid": True, "invalid_reasons": [], "warnings": [], "partial": False, "ended": "run-time",
        "counts": {"requests": 100}, "metrics": metrics, "too_few": few or {},
    }  # fmt: skip
    return RunResult(name, manifest_with(users=users), summary_with(good | changes))


def compared(verdict="no_difference", *, reasons=(), **rows):
    """A comparison's JSON; `rows` are the verdicts of primaries, with _ for the dot of their names."""
    changes = {"slower": 0.2, "faster": -0.2, "no_difference": 0.01, "cannot_tell": 0.04}
    metrics = [
        metric_row(
            name.replace("_", "."), new=1000.0 * (1 + changes[said]), change=changes[said], low=changes[said] - 0.03,
            high=changes[said] + 0.03, verdict=said, runs_needed=8 if said == "cannot_tell" else None,
        )
        for name, said in (rows or {"duration_p50": verdict}).items()
        if verdict != "invalid"
    ]  # fmt: skip
    return comparison_with(verdict=verdict, reasons=list(reasons), metrics=metrics).json


def judged(*runs, comparison=None, baseline=(), **content):
    """The judgement on runs by the given content of a thresholds file."""
    known = comparison and comparison_with(comparison)
    return judge(parse_thresholds(content, "limits.toml"), runs or (judged_run(),), known, baseline)
