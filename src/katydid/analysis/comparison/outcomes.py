"""How runs ended, side by side. The figures are those of each run's own report."""

from typing import Any

from katydid.analysis.comparison.estimates import RunData


def outcome_of(run: RunData) -> dict[str, Any]:
    """One run's end: how, at how many users, after how many requests and seconds.

    `users` are those whose first request had started, where the failure threshold stopped the run, else all;
    `requests`, `ok`, `failed` and `failure_rate` are of the requests that count.
    """
    summary, manifest = run.summary, run.manifest
    counts, metrics = summary["counts"], summary["metrics"]
    stopped = manifest.get("stopped_at_ms")
    return {
        "run": run.path,
        "ended": manifest.get("ended"),
        "failure_threshold": manifest.get("failure_threshold"),
        "users": metrics.get("users_at_stop") or manifest.get("users"),
        "in_flight": metrics.get("in_flight_at_stop"),
        "requests": counts["requests"],
        "ok": counts["ok"],
        "failed": counts["failed"],
        "failed_after_stop": counts.get("failed_after_stop", 0),
        "failure_rate": metrics.get("failure_rate"),
        "seconds": stopped / 1000.0 if stopped else None,
    }
