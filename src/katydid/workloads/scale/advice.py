"""What to do beyond the range in which a sweep held: one line, by what limited it. Knows no run and no report."""

from collections.abc import Mapping
from typing import Any

from katydid.analysis.capacity.holds import HoldResult
from katydid.model.formatting import fraction, plural, significant
from katydid.stats.queueing import servers_for

BUSY_PERCENT = 85.0
"""CPU from which on there is little to spare."""
UTILISATION = 0.7
"""As `katydid plan` has it where nobody says."""

_BY_CAUSE = {
    "rate limit": "have clients wait as long as `Retry-After` says and try again at growing intervals (`--on-429 "
    "backoff` measures that), or share the load among more keys",
    "connection limit": "raise the limit on connections, or have those who are refused try again later",
    "compute": "give the target more or faster processors, or replicas",
    "generator": "the generator is at its limit before the target: more `--processes`, or more machines",
    "network": "keep connections open, or look at what lies between",
}


def advice(cause: str, held: HoldResult | None, broken: HoldResult | None, peaks: Mapping[str, Any]) -> str | None:
    """One line; None where nothing broke or nobody knows why.

    Args:
        cause: what limited the sweep, as `analysis.diagnosis` names it.
        held: the largest stage in which the objective was kept.
        broken: the smallest in which it was not.
        peaks: of that stage, `machine_cpu_percent` and others.
    """
    if broken is None:
        return None
    told = _more_slots(held, broken) if cause == "concurrency" else _BY_CAUSE.get(cause)
    busy = [
        f"the {name}'s CPU was at {fraction(peaks[key] / 100)}"
        for name, key in (("machine", "machine_cpu_percent"), ("target", "target_cpu_percent"))
        if (peaks.get(key) or 0.0) >= BUSY_PERCENT
    ]
    parts = [*([told] if told else []), *busy]
    beyond = f"Beyond {plural(held.users, 'user')}" if held else f"At {plural(broken.users, 'user')}"
    return f"{beyond}: {'; '.join(parts)}." if parts else None


def _more_slots(held: HoldResult | None, broken: HoldResult) -> str:
    """Requests queue for a fixed number of workers: how many there would have to be."""
    if held is None or not held.p50_ms:
        return "requests wait for a fixed number of workers or slots: add some"
    rate, service = broken.offered_per_s * broken.requests_each, held.p50_ms / 1000.0
    needed = servers_for(rate * service, UTILISATION)
    asked = f"katydid plan --concurrency {rate:.3g} --rtf {service:.3g}"
    return (
        "requests wait for a fixed number of workers or slots: "
        f"{plural(needed, 'slot')} for {plural(broken.users, 'user')}, {fraction(UTILISATION)} busy (`{asked}`: "
        f"{significant(rate)} requests a second of {service:.3g} s)"
    )
