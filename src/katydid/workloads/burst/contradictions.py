"""What else a burst's answers may come from: sharing, cold starts, a limiter, servers of unlike speed.

A number of slots explains when each answer of a burst came. Whether it is true is asked of what it predicts beside
that: all of a burst's first requests take as long as its later ones, a smaller burst is served in the same way, one
request alone takes as long as one among many. Knows fits (`concurrency_model.py`) and no words of a diagnosis.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from katydid.model.formatting import milliseconds, plural
from katydid.stats.concurrency_model import Burst, Fit, starts

MUCH = 1.5
"""A request among others takes so many times as long as one alone before that means something."""
OTHERWISE = 0.3
"""Share by which a smaller burst's answers may miss what is predicted of them, in the mean."""
FIRST_OFF, FIRST_SD = 0.15, 3.5
"""First requests may take this share more or less than the later ones, and so many standard deviations of theirs."""
CLOCKS_MS = 10.0
"""What start times and clocks may be off by."""
FEWEST_LATER = 2


class Possible(StrEnum):
    """What may be the cause where slots do not explain all that was seen."""

    SHARING = "sharing"
    """Requests are worked on together and make each other slower: a processor, a batch."""
    COLD_START = "cold_start"
    """A worker's first request takes longer, or workers are added meanwhile."""
    LIMITER = "limiter"
    """Requests are accepted at a rate."""
    UNLIKE_SERVERS = "unlike_servers"
    """Some of several workers are faster than others."""


ROLE = "role"
"""The column that says what a request beside the bursts is for; rows that have one count in no metric."""


class Role(StrEnum):
    """What a request beside the bursts is."""

    BEFORE = "alone before"
    SMALLER = "smaller burst"
    AFTER = "alone after"


@dataclass(frozen=True, slots=True)
class Probes:
    """What was asked beside the bursts. Milliseconds from the start to the last byte.

    Attributes:
        before: of one request alone, before all bursts; None where there was none, or it was not answered.
        after: the same after all of them.
        smaller: a burst of fewer users, after the others; None where there was none.
    """

    before: float | None = None
    after: float | None = None
    smaller: Burst | None = None

    @property
    def cold(self) -> bool:
        """The first request of all took much longer than the last one."""
        return self.before is not None and self.after is not None and self.before > MUCH * self.after


@dataclass(frozen=True, slots=True)
class Contradiction:
    """What was seen that a number of slots does not explain, in words, and what would."""

    reason: str
    possible: tuple[Possible, ...]


def contradiction(bursts: Sequence[Burst], best: Fit, probes: Probes) -> Contradiction | None:
    """Why the likeliest number of slots is not the whole truth; None where all agrees with it."""
    if best.slots >= max(burst.requests for burst in bursts):
        return _together(best, probes)
    return _first_round(bursts, best, probes) or _of_a_smaller(best, probes)


def also_possible(best: Fit, probes: Probes) -> tuple[Possible, ...]:
    """What may be so beside the number of slots."""
    found = [Possible.LIMITER] if best.slots == 1 else []
    if probes.after is not None and best.service_ms > MUCH * probes.after:
        found.append(Possible.SHARING)
    return tuple(found + [Possible.COLD_START] * probes.cold)


def _first_round(bursts: Sequence[Burst], best: Fit, probes: Probes) -> Contradiction | None:
    """Those that begin with the burst take as long as those after them, if nothing but slots makes them wait."""
    served = [burst.answers - starts(burst.answers, best.slots, len(burst.answers)) for burst in bursts]
    first = np.concatenate([times[: best.slots] for times in served])
    later = np.concatenate([times[best.slots :] for times in served])
    if len(later) < FEWEST_LATER:
        return None
    usual = float(np.median(later))
    margin = max(FIRST_OFF * usual, FIRST_SD * float(later.std()), CLOCKS_MS)
    fastest, typical = float(first.min()), float(np.median(first))
    if fastest < usual - margin:
        return Contradiction(
            f"the first answer came after {milliseconds(fastest)}, while {plural(best.slots, 'slot')} would need "
            f"{milliseconds(usual)} for each",
            (Possible.UNLIKE_SERVERS,),
        )
    if typical > usual + margin:
        causes = (Possible.COLD_START,) if probes.cold else (Possible.COLD_START, Possible.LIMITER)
        return Contradiction(
            f"the first requests took {milliseconds(typical)}, those after them {milliseconds(usual)}", causes
        )
    return None


def _of_a_smaller(best: Fit, probes: Probes) -> Contradiction | None:
    """A smaller burst is served by as many slots, in the same time."""
    smaller = probes.smaller
    if smaller is None or len(smaller.unanswered) or not len(smaller.answers):
        return None
    predicted = best.service_ms * np.ceil(np.arange(1, len(smaller.answers) + 1) / best.slots)
    off = float(np.abs(smaller.answers - predicted).mean())
    if off <= max(OTHERWISE * float(predicted.mean()), CLOCKS_MS):
        return None
    slower = smaller.answers.mean() > predicted.mean()
    return Contradiction(
        f"of {plural(len(smaller.answers), 'request')} together the last was answered after "
        f"{milliseconds(float(smaller.answers[-1]))}, not after {milliseconds(float(predicted[-1]))}",
        (Possible.LIMITER,) if slower else (Possible.COLD_START, Possible.SHARING),
    )


def _together(best: Fit, probes: Probes) -> Contradiction | None:
    """Where a place is free for each, more requests take no longer than fewer, nor than one."""
    smaller, each = probes.smaller, best.service_ms
    if smaller is None or not len(smaller.answers):
        return Contradiction(
            "all answers came together, and no smaller burst says whether fewer requests are answered sooner",
            (Possible.SHARING, Possible.COLD_START),
        )
    alone, fewer = probes.after, float(smaller.answers.mean())
    quickest = min(fewer, fewer if alone is None else alone)
    if each <= MUCH * quickest and abs(each - fewer) <= max(OTHERWISE * fewer, CLOCKS_MS):
        return None
    beside = "" if alone is None else f", one alone after {milliseconds(alone)}"
    return Contradiction(
        f"all answers came together after {milliseconds(each)}, but those of {plural(len(smaller.answers), 'request')} "
        f"after {milliseconds(fewer)}{beside}",
        (Possible.COLD_START, Possible.SHARING) if probes.cold else (Possible.SHARING, Possible.COLD_START),
    )
