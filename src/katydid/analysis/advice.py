"""One line of advice on what limited a run: a sweep, a capacity search, or a run at one load.

Based on the cause that `analysis.diagnosis` found and on the results of the stages; without these there is no advice.
"""

from collections.abc import Mapping, Sequence

import pandas as pd

from katydid.analysis.capacity.holds import HoldResult
from katydid.analysis.diagnosis import RATE_LIMIT, rate_limited
from katydid.analysis.validity import Run
from katydid.model.formatting import capitalised, fraction, plural, significant
from katydid.runs.rows import MACHINE, TARGET
from katydid.stats.queueing import servers_for

BUSY_PERCENT = 85.0
"""A CPU at this load or more has little to spare."""
ONE_CORE_PERCENT = 120.0
"""A process that uses only one core stays below this."""
UTILISATION = 0.7
"""The default of `katydid plan`."""
_PROCESSORS = ((MACHINE, "machine_cpu_percent"), (TARGET, "target_cpu_percent"))
_BY_CAUSE = {
    RATE_LIMIT: "let clients wait as long as `Retry-After` says and retry with backoff (`katydid run batch --on-429 "
    "backoff` measures that), or spread the load over more keys",
    "connection limit": "raise the limit on connections, or let rejected clients retry later",
    "generator": "the generator reaches its limit before the target does: use more `--processes`, or more machines",
    "network": "keep connections open, or check the network between generator and target",
}


def rate_limit_part(run: Run) -> dict[str, object]:
    """The keys of `summary.json` for a run at one load that met a rate limit; empty for other runs."""
    limit = rate_limited(run)
    if limit is None:
        return {}
    advice = f"{capitalised(_BY_CAUSE[RATE_LIMIT])}."
    if (run.manifest.options or {}).get("on_429") == "backoff":
        advice = "Backoff alone was not enough: send fewer requests, or spread the load over more keys."
    return {"limited_by": limit.cause, "evidence": limit.evidence, "advice": advice}


def stages_advice(run: Run, holds: Sequence[HoldResult], cause: str, limit: str | None = None) -> str | None:
    """The advice for a run in stages, with the CPU load from the run's monitor; see `advice`."""
    return advice(cause, holds, _cpu_peaks(run, [h for h in holds if not h.held]), limit)


def _cpu_peaks(run: Run, holds: Sequence[HoldResult]) -> dict[str, float]:
    """Peaks of the machine's and the target's CPU during these stages, in percent, if they were monitored."""
    at = run.monitor["at_ms"]
    inside = pd.Series(data=False, index=at.index)
    for record in (run.manifest.stage(hold.stage) for hold in holds):
        inside |= (at > record.begin_ms) & (at <= record.end_ms + 1000.0)
    seen = run.monitor[inside]
    peaks = {key: seen.loc[seen["process"] == name, "cpu_percent"].max() for name, key in _PROCESSORS}
    return {key: float(peak) for key, peak in peaks.items() if not pd.isna(peak)}


def advice(cause: str, holds: Sequence[HoldResult], peaks: Mapping[str, float], limit: str | None = None) -> str | None:
    """One line of advice; None if no stage violated the objective, or if the cause is unknown.

    Args:
        cause: what limited the stages, as `analysis.diagnosis` names it.
        holds: the stages.
        peaks: of `machine_cpu_percent` and `target_cpu_percent` in stages that violated the objective, if monitored.
        limit: the load up to which the objective is met, in words; by default that of the largest stage that met it.
    """
    broken = [h for h in holds if not h.held]
    if not broken:
        return None
    held = [h for h in holds if h.held]
    least = min(broken, key=lambda h: h.load)
    below = [h for h in held if h.load < least.load]
    first = _BY_CAUSE.get(cause)
    if cause == "concurrency":
        first = _more_slots(held, broken)
    elif cause == "compute":
        first = _processors(peaks)
    busy = [
        f"the {name}'s CPU was at {fraction(peak / 100)}"
        for name, key in _PROCESSORS
        if (peak := peaks.get(key, 0.0)) >= BUSY_PERCENT
    ]
    parts = [*([first] if first else []), *busy]
    if limit is None and below:
        limit = max(below, key=lambda h: h.load).load_text
    where = f"Beyond {limit}" if limit else f"At {least.load_text}"
    return f"{where}: {'; '.join(parts)}." if parts else None


def _processors(peaks: Mapping[str, float]) -> str:
    machine, target = (peaks.get(key) for _, key in _PROCESSORS)
    if machine is not None and machine >= BUSY_PERCENT:
        return "all of the machine's cores are busy: use a larger machine, or replicas on other machines"
    if machine is not None and target is not None and BUSY_PERCENT <= target < ONE_CORE_PERCENT:
        return "the target uses one core and others are free: start more worker processes"
    return "give the target more or faster processors, or replicas"


def _more_slots(held: Sequence[HoldResult], broken: Sequence[HoldResult]) -> str:
    """Requests queue for a fixed number of workers: the number that the largest load would need."""
    times = [h.p50_ms for h in held if h.p50_ms]
    if not times:
        return "requests wait for a fixed number of workers or slots: add more"
    most, each = max(broken, key=lambda h: h.load), max(h.requests_each for h in (*held, *broken))
    rate, service = most.offered_per_s * each, min(times) / 1000.0
    needed = servers_for(rate * service, UTILISATION)
    asked = f"katydid plan --concurrency {rate:.3g} --rtf {service:.3g}"
    return (
        "requests wait for a fixed number of workers or slots; "
        f"serving {most.load_text} takes {plural(needed, 'slot')} at {fraction(UTILISATION)} utilisation (`{asked}`: "
        f"{significant(rate)} requests/s of {service:.3g} s each)"
    )
