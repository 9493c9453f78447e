"""What to do about what limited a run, in one line: of a sweep, of a search for the capacity, of a run at one load.

Rests on the cause that `analysis.diagnosis` found and on what stages showed; where neither says anything, nor does it.
"""

from collections.abc import Mapping, Sequence

import pandas as pd

from katydid.analysis.capacity.holds import HoldResult
from katydid.analysis.diagnosis import RATE_LIMIT, rate_limited
from katydid.analysis.validity import Run
from katydid.model.documents.manifest import Manifest
from katydid.model.formatting import capitalised, fraction, plural, significant
from katydid.runs.rows import MACHINE, TARGET
from katydid.stats.queueing import servers_for

BUSY_PERCENT = 85.0
"""CPU from which on there is little to spare."""
ONE_CORE_PERCENT = 120.0
"""A process that is busy on one core and on no second one uses less."""
UTILISATION = 0.7
"""As `katydid plan` has it where nobody says."""
_PROCESSORS = ((MACHINE, "machine_cpu_percent"), (TARGET, "target_cpu_percent"))
_BY_CAUSE = {
    RATE_LIMIT: "have clients wait as long as `Retry-After` says and try again at growing intervals (`katydid run "
    "batch --on-429 backoff` measures that), or share the load among more keys",
    "connection limit": "raise the limit on connections, or have those who are refused try again later",
    "generator": "the generator is at its limit before the target: more `--processes`, or more machines",
    "network": "keep connections open, or look at what lies between",
}


def rate_limit_part(run: Run) -> dict[str, object]:
    """What `summary.json` says of a run at one load that met a rate limit; nothing of others, which show no limit."""
    limit = rate_limited(run)
    if limit is None:
        return {}
    return {"limited_by": limit.cause, "evidence": limit.evidence, "advice": _about_rate_limit(run.manifest)}


def _about_rate_limit(manifest: Manifest) -> str:
    if (manifest.options or {}).get("on_429") == "backoff":
        return "Patience alone did not do: send fewer requests, or share the load among more keys."
    return f"{capitalised(_BY_CAUSE[RATE_LIMIT])}."


def stages_advice(run: Run, holds: Sequence[HoldResult], cause: str, limit: str | None = None) -> str | None:
    """As `advice` has it, with the CPU that the run's monitor saw."""
    return advice(cause, holds, _cpu_peaks(run, [h for h in holds if not h.held]), limit)


def _cpu_peaks(run: Run, holds: Sequence[HoldResult]) -> dict[str, float]:
    """Peaks of the machine's and the target's CPU during stages, in percent, where they were seen."""
    at = run.monitor["at_ms"]
    records = [run.manifest.stage(hold.stage) for hold in holds]
    inside = pd.Series(data=False, index=at.index)
    for record in records:
        inside |= (at > record.begin_ms) & (at <= record.end_ms + 1000.0)
    seen = run.monitor[inside]
    peaks = {key: seen.loc[seen["process"] == name, "cpu_percent"].max() for name, key in _PROCESSORS}
    return {key: float(peak) for key, peak in peaks.items() if not pd.isna(peak)}


def advice(cause: str, holds: Sequence[HoldResult], peaks: Mapping[str, float], limit: str | None = None) -> str | None:
    """One line; None where nothing broke or nobody knows why.

    Args:
        cause: what limited the stages, as `analysis.diagnosis` names it.
        holds: the stages.
        peaks: of `machine_cpu_percent` and `target_cpu_percent` in stages that broke, where they were seen.
        limit: the load up to which it holds; the largest stage that held, where nobody says.
    """
    broken = [h for h in holds if not h.held]
    if not broken:
        return None
    held = [h for h in holds if h.held]
    least = min(broken, key=lambda h: h.load)
    below = [h for h in held if h.load < least.load]
    if cause == "concurrency":
        first: str | None = _more_slots(held, broken)
    else:
        first = _processors(peaks) if cause == "compute" else _BY_CAUSE.get(cause)
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
        return "all of the machine's cores are busy: a larger machine, or replicas on others"
    if machine is not None and target is not None and BUSY_PERCENT <= target < ONE_CORE_PERCENT:
        return "the target fills one core and the machine has others: start more worker processes"
    return "give the target more or faster processors, or replicas"


def _more_slots(held: Sequence[HoldResult], broken: Sequence[HoldResult]) -> str:
    """Requests queue for a fixed number of workers: how many there would have to be for the largest load."""
    times = [h.p50_ms for h in held if h.p50_ms]
    if not times:
        return "requests wait for a fixed number of workers or slots: add some"
    most, each = max(broken, key=lambda h: h.load), max(h.requests_each for h in (*held, *broken))
    rate, service = most.offered_per_s * each, min(times) / 1000.0
    needed = servers_for(rate * service, UTILISATION)
    asked = f"katydid plan --concurrency {rate:.3g} --rtf {service:.3g}"
    return (
        "requests wait for a fixed number of workers or slots: "
        f"{plural(needed, 'slot')} for {most.load_text}, {fraction(UTILISATION)} busy (`{asked}`: "
        f"{significant(rate)} requests a second of {service:.3g} s)"
    )
