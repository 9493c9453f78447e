"""Whether the times are what they say: exact, the kernel's, and on a steady clock."""

from katydid.analysis.validity.rule import Finding, Run

_BOUND_SHARE = 0.05


def bounded(run: Run) -> Finding | None:
    """TTFTs that are upper bounds."""
    counts = run.counts
    if counts.bounded <= _BOUND_SHARE * counts.timed:
        return None
    return Finding(
        "warning",
        f"in {counts.bounded / counts.timed:.0%} of the requests the first read brought several chunks, so their "
        "TTFT is an upper bound",
        "the target sends them together, or the generator is too busy: see its CPU",
    )


def user_time(run: Run) -> Finding | None:
    """Times that are not the kernel's."""
    if run.manifest.get("timestamp_source") != "user" or not run.counts.ok:
        return None
    return Finding("warning", "times were taken in user space: the delays of a busy generator are in them")


_STEP_MS = 50.0


def clock_step(run: Run) -> Finding | None:
    """The wall clock jumped."""
    step = run.monitor["clock_step_ms"].abs().max()
    if not step > _STEP_MS:  # NaN where there is no monitor
        return None
    return Finding("warning", f"the wall clock jumped by {step:.0f} ms; durations are not touched by it")
