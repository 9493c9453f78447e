"""Other explanations of a burst's answers: a shared resource, cold starts, a rate limiter, servers of unequal speed.

The slot model explains when each answer of a burst came. This module tests what else the model predicts: the first
requests of a burst take as long as the later ones, a smaller burst is served in the same way, and one request alone
takes as long as one among many. It knows fits (`concurrency_model.py`), but not the words of a diagnosis.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from katydid.model.formatting import milliseconds, plural
from katydid.stats.concurrency_model import Burst, Fit, starts

SLOWDOWN = 1.5
"""A request among others must take more than this many times as long as one alone to count as slower."""
TOLERANCE = 0.3
"""The mean error of the prediction for a smaller burst may be this share of the predicted mean."""
FIRST_SHARE, FIRST_SD = 0.15, 3.5
"""First requests may differ from later ones by this share of the later ones' median, or this many of their standard
deviations, whichever is larger."""
CLOCKS_MS = 10.0
"""Tolerance for start times and clocks."""
FEWEST_LATER = 2


class Possible(StrEnum):
    """A possible cause of answers that the slot model does not explain, or not alone."""

    SHARING = "sharing"
    COLD_START = "cold_start"
    LIMITER = "limiter"
    UNLIKE_SERVERS = "unlike_servers"


POSSIBLE = {
    Possible.SHARING: "requests share a processor or a batch and slow each other down",
    Possible.COLD_START: "workers start cold, or are added under load",
    Possible.LIMITER: "a rate limiter admits requests",
    Possible.UNLIKE_SERVERS: "servers of unequal speed share one queue",
}

ROLE = "role"
"""The column that names the purpose of a probe. Rows that have a role count in no metric."""


class Role(StrEnum):
    """The purpose of a probe: a request that belongs to no burst."""

    BEFORE = "alone before"
    SMALLER = "smaller burst"
    AFTER = "alone after"


@dataclass(frozen=True, slots=True)
class Probes:
    """The probes of a run. Times are milliseconds from the start to the last byte.

    Attributes:
        before: time of one request alone before all bursts; None if it was not sent or not answered.
        after: the same after all bursts.
        smaller: a burst of fewer users after the others; None if it was not sent.
    """

    before: float | None = None
    after: float | None = None
    smaller: Burst | None = None

    @property
    def cold(self) -> bool:
        """Return True if the first request of the run took much longer than the last one."""
        return self.before is not None and self.after is not None and self.before > SLOWDOWN * self.after


@dataclass(frozen=True, slots=True)
class Contradiction:
    """An observation that the slot model does not explain, in words, and what may explain it."""

    reason: str
    possible: tuple[Possible, ...]


def contradiction(bursts: Sequence[Burst], best: Fit, probes: Probes) -> Contradiction | None:
    """Return what contradicts the likeliest number of slots, or None if nothing does."""
    if best.slots >= max(burst.requests for burst in bursts):
        return _all_at_once(best, probes)
    return _first_round(bursts, best, probes) or _smaller_burst(best, probes)


def also_possible(best: Fit, probes: Probes) -> tuple[Possible, ...]:
    """Return causes that would explain the same answers as the likeliest number of slots."""
    found = [Possible.LIMITER] if best.slots == 1 else []
    if probes.after is not None and best.service_ms > SLOWDOWN * probes.after:
        found.append(Possible.SHARING)
    return tuple(found + [Possible.COLD_START] * probes.cold)


def _first_round(bursts: Sequence[Burst], best: Fit, probes: Probes) -> Contradiction | None:
    """Compare first and later requests: they take equally long if only the number of slots makes requests wait."""
    served = [burst.answers - starts(burst.answers, best.slots, len(burst.answers)) for burst in bursts]
    first = np.concatenate([times[: best.slots] for times in served])
    later = np.concatenate([times[best.slots :] for times in served])
    if len(later) < FEWEST_LATER:
        return None
    usual = float(np.median(later))
    margin = max(FIRST_SHARE * usual, FIRST_SD * float(later.std()), CLOCKS_MS)
    fastest, typical = float(first.min()), float(np.median(first))
    if fastest < usual - margin:
        return Contradiction(
            f"the first answer came after {milliseconds(fastest)}, but later requests took {milliseconds(usual)} "
            f"each with {plural(best.slots, 'slot')}",
            (Possible.UNLIKE_SERVERS,),
        )
    if typical > usual + margin:
        causes = (Possible.COLD_START,) if probes.cold else (Possible.COLD_START, Possible.LIMITER)
        return Contradiction(
            f"the first requests took {milliseconds(typical)} each, later ones {milliseconds(usual)}", causes
        )
    return None


def _smaller_burst(best: Fit, probes: Probes) -> Contradiction | None:
    """Compare a smaller burst with its prediction: the same number of slots serves it, each request equally long."""
    smaller = probes.smaller
    if smaller is None or len(smaller.unanswered) or not len(smaller.answers):
        return None
    predicted = best.service_ms * np.ceil(np.arange(1, len(smaller.answers) + 1) / best.slots)
    off = float(np.abs(smaller.answers - predicted).mean())
    if off <= max(TOLERANCE * float(predicted.mean()), CLOCKS_MS):
        return None
    slower = smaller.answers.mean() > predicted.mean()
    return Contradiction(
        f"the last answer to a smaller burst of {plural(len(smaller.answers), 'request')} came after "
        f"{milliseconds(float(smaller.answers[-1]))}, but {milliseconds(float(predicted[-1]))} was expected",
        (Possible.LIMITER,) if slower else (Possible.COLD_START, Possible.SHARING),
    )


def _all_at_once(best: Fit, probes: Probes) -> Contradiction | None:
    """Compare burst sizes: if every request has a free slot, many take no longer than few, or than one."""
    smaller, each = probes.smaller, best.service_ms
    if smaller is None or not len(smaller.answers):
        return Contradiction(
            "all answers came together, and there is no smaller burst to show whether fewer are answered sooner",
            (Possible.SHARING, Possible.COLD_START),
        )
    alone, fewer = probes.after, float(smaller.answers.mean())
    quickest = min(fewer, fewer if alone is None else alone)
    if each <= SLOWDOWN * quickest and abs(each - fewer) <= max(TOLERANCE * fewer, CLOCKS_MS):
        return None
    beside = "" if alone is None else f", to one request alone after {milliseconds(alone)}"
    return Contradiction(
        f"all answers came together after {milliseconds(each)}, but those to a smaller burst of "
        f"{plural(len(smaller.answers), 'request')} after {milliseconds(fewer)}{beside}",
        (Possible.COLD_START, Possible.SHARING) if probes.cold else (Possible.SHARING, Possible.COLD_START),
    )
