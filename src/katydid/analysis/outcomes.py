"""How runs ended, side by side: where the failure threshold stopped a version, and what that is worth.

Users at the stop are an index, not a capacity: failures arrive a time-out late and the ramp goes on
meanwhile, so that the figure lies far above what the service holds. It is compared only between runs that
got there by the same ramp, time-out and threshold, and one run each tells nothing.
"""

from collections.abc import Sequence
from typing import Any

from katydid.analysis.comparability import same_ramp
from katydid.analysis.estimates import RunData

STOPPED = "failure-threshold"


def outcome_of(run: RunData) -> dict[str, Any]:
    """One run's end: how, at how many users, after how many requests and seconds."""
    summary, manifest = run.summary, run.manifest
    counts = summary["counts"]
    before_stop = counts["all"] - counts["after_stop"]
    failed = int(((run.frame["outcome"] == "failed") & ~run.frame["after_stop"].astype(bool)).sum())
    stopped = manifest.get("stopped_at_ms")
    return {
        "run": run.path,
        "ended": manifest.get("ended"),
        "failure_threshold": manifest.get("failure_threshold"),
        "users": summary.get("users_at_stop") or manifest.get("users"),
        "requests": before_stop,
        "failed": failed,
        "failure_rate": failed / before_stop if before_stop else None,
        "seconds": stopped / 1000.0 if stopped else None,
    }


def outcome_reasons(base: Sequence[RunData], new: Sequence[RunData]) -> list[str]:
    """What must be said where the failure threshold ended runs."""
    ended = [[run.manifest.get("ended") == STOPPED for run in side] for side in (base, new)]
    if not any(map(any, ended)):
        return []
    if not all(map(all, ended)):
        stopped = f"{sum(ended[0])} of {len(base)} runs of BASE and {sum(ended[1])} of {len(new)} of NEW"
        worth = "times are of what came before; a version that is stopped did not hold this load"
        return [f"the failure threshold stopped {stopped}: {worth}"]
    if not same_ramp([run.manifest for run in (*base, *new)]):
        return ["the failure threshold stopped both, on different ramps: where it did cannot be compared"]
    outcomes = [[outcome_of(run) for run in side] for side in (base, new)]
    parts = [_change(outcomes, key) for key in ("users", "requests")]
    told = ", ".join(part for part in parts if part)
    if len(base) == len(new) == 1:
        caveat = (
            "one run each cannot tell: two runs of one version differ by that much in about one pair of ten; "
            "make five of each, or search the capacity (katydid capacity)"
        )
    else:
        caveat = "an index of capacity, not the capacity: katydid capacity searches that"
    return [f"the failure threshold stopped both{': ' + told if told else ''}: {caveat}"]


def _change(outcomes: Sequence[Sequence[dict[str, Any]]], key: str) -> str:
    base, new = ([o[key] for o in side if o[key]] for side in outcomes)
    if not base or not new:
        return ""
    ours, theirs = sum(base) / len(base), sum(new) / len(new)
    return f"{ours:.0f} {key} and {theirs:.0f} ({theirs / ours - 1:+.0%})"
