"""A capacity in one sentence, used by the headline and by the report's section. Knows no run."""

from functools import partial

from katydid.analysis.capacity.holds import criterion_text
from katydid.model.documents.capacity import CapacityFound
from katydid.model.formatting import number, or_dash, plural, significant


def capacity_answer(found: CapacityFound) -> str:
    """`capacity 13.8 users (95 % interval 13 to 14.3), first violated service time, p95`."""
    if found.limiter_seen is False:
        below = f"; it is below {load(found, found.high)}" if found.high is not None else ""
        return f"capacity not determined: no hold lasted two windows of the rate limiter{below}"
    if found.capacity is None:
        return "capacity not found: even the lowest load violated the objective"
    if found.at_least:
        return f"capacity at least {load(found, found.capacity)}: the objective was met at every load"
    low, high = (or_dash(value, partial(figure, found)) for value in (found.low, found.high))
    if found.limiting == "keeps_up":
        first = ", above which throughput falls below the offered load"
    else:
        first = f", first violated {criterion_text(found.limiting)}" if found.limiting else ""
    return f"capacity {load(found, found.capacity)} (95 % interval {low} to {high}){first}"


def load(found: CapacityFound, value: float) -> str:
    """`120 users`, or `12.5 requests/s`."""
    return f"{significant(value)} requests/s" if found.at_rates else plural(round(value, 1), "user")


def figure(found: CapacityFound, value: float) -> str:
    """The same without the unit."""
    return significant(value) if found.at_rates else number(round(value, 1))
