"""The diagnosis of a burst: how many requests the service works on at a time, in words, with cause and remedy.

Knows what came of each request and how well each number of slots fits (`concurrency_model.py`); no run, no samples.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from katydid.model.formatting import fraction, milliseconds, plural
from katydid.stats.concurrency_model import (
    FEW,
    FEW_NOISE_LIMIT,
    MARGIN,
    MOST_ALIKE,
    NOISE_LIMIT,
    Burst,
    Fit,
    chance_of_noise,
    fits,
)
from katydid.workloads.burst.contradictions import Possible, Probes, also_possible, contradiction

FEWEST_ANSWERS = 3
"""Two answers fit anything."""
SHOWN_FITS = 8
NOT_DETERMINED = "not determined"


@dataclass(frozen=True, slots=True)
class Explanation:
    """A number of slots; `behind` is how much less likely it is than the likeliest (in log-likelihood)."""

    slots: int
    closed: bool
    service_ms: float
    variation: float
    behind: float


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found, in the order in which one wants to know it.

    Attributes:
        verdict: `one at a time`, `N at a time`, `all at once`, `admits N and rejects the rest`, `not determined`.
        sentence: holds the verdict.
        cause, remedy: the usual ones; empty where nothing was found.
        slots: requests served at a time; None where that is not determined. Where all were, there may be more.
        slots_low, slots_high: numbers of slots that are possible too.
        admitted: requests of a burst that were accepted, where others were not.
        service_ms: mean service time, service_low_ms to service_high_ms its 95 % interval.
        variation: of the service times, standard deviation / mean.
        chance_of_noise: how often answers at random moments look as orderly.
        fits: the likeliest numbers of slots, the best first.
        possible: what may be the cause instead, or besides: `sharing`, `cold_start`, `limiter`, `unlike_servers`.
        alone_before_ms: one request alone took before all bursts; None where it was not asked, or not answered.
        alone_after_ms: the same after all of them.
    """

    verdict: str = ""
    sentence: str = ""
    cause: str = ""
    remedy: str = ""
    slots: int | None = None
    slots_low: int | None = None
    slots_high: int | None = None
    admitted: int | None = None
    service_ms: float | None = None
    service_low_ms: float | None = None
    service_high_ms: float | None = None
    variation: float | None = None
    chance_of_noise: float | None = None
    fits: tuple[Explanation, ...] = ()
    possible: tuple[str, ...] = ()
    alone_before_ms: float | None = None
    alone_after_ms: float | None = None


_POSSIBLE = {
    Possible.SHARING: "all requests share a processor or a batch, so that each is slower the more there are",
    Possible.COLD_START: "workers start cold, or are added under load",
    Possible.LIMITER: "a limiter accepts requests at a rate",
    Possible.UNLIKE_SERVERS: "servers of unlike speed share one queue",
}


def diagnose_burst(bursts: Sequence[Burst], rejected: Sequence[int], probes: Probes | None = None) -> Diagnosis:
    """What serves bursts of requests in this way.

    Args:
        bursts: of which each began with nothing left over from the one before.
        rejected: in each burst, the requests that were refused at once.
        probes: what was asked beside them.
    """
    probes = probes or Probes()
    found = _diagnosed(bursts, rejected, probes)
    return replace(found, alone_before_ms=probes.before, alone_after_ms=probes.after)


def _diagnosed(bursts: Sequence[Burst], rejected: Sequence[int], probes: Probes) -> Diagnosis:
    answers = sum(len(burst.answers) for burst in bursts)
    if answers == 0:
        return _unknown("no request was answered")
    if all(burst.requests + refused < 2 for burst, refused in zip(bursts, rejected, strict=True)):
        return _unknown("one request alone says nothing about several")
    ranked = fits(bursts)
    best, noise = ranked[0], chance_of_noise(bursts, ranked[0])
    reason = _doubt(answers, best, noise)
    if reason and not any(rejected):
        return _unknown(reason, noise, ranked, (Possible.COLD_START,) if probes.cold else ())
    if not any(rejected) and not best.closed and (seen := contradiction(bursts, best, probes)) is not None:
        return _unknown(seen.reason, noise, ranked, seen.possible)
    found = _found(bursts, rejected, ranked, None if reason else best, noise)
    return found if reason else _with_possible(found, also_possible(best, probes))


def _with_possible(found: Diagnosis, possible: Sequence[Possible]) -> Diagnosis:
    also = "".join(f"; or {_POSSIBLE[cause]}" for cause in possible)
    return replace(found, possible=tuple(map(str, possible)), cause=found.cause + also)


def _doubt(answers: int, best: Fit, noise: float) -> str:
    """Why the likeliest number of slots is not trusted."""
    if answers < FEWEST_ANSWERS:
        return f"only {answers} of the requests were answered"
    if best.variation > MOST_ALIKE:
        return "the answers came at no regular times, or each request takes its own time"
    if noise > (NOISE_LIMIT if answers >= FEW else FEW_NOISE_LIMIT):
        return f"answers at random moments look as regular in {fraction(noise)} of the cases"
    return ""


def _unknown(
    reason: str, noise: float | None = None, ranked: Sequence[Fit] = (), possible: Sequence[Possible] = ()
) -> Diagnosis:
    return Diagnosis(
        NOT_DETERMINED,
        f"How many requests the target serves at a time is {NOT_DETERMINED}: {reason}.",
        cause=", or ".join(f"possibly {_POSSIBLE[cause]}" for cause in possible),
        possible=tuple(map(str, possible)),
        remedy="send more users, or several bursts (--bursts), with requests that take equally long and a longer "
        "--request-timeout",
        chance_of_noise=noise,
        fits=_shown(ranked),
    )


def _found(
    bursts: Sequence[Burst], rejected: Sequence[int], ranked: Sequence[Fit], best: Fit | None, noise: float
) -> Diagnosis:
    most = max(burst.requests for burst in bursts)
    admitted = _admitted(bursts, rejected, best)
    facts = Diagnosis(admitted=admitted, chance_of_noise=noise, fits=_shown(ranked))
    if best is not None:
        count = sum(len(burst.answers) for burst in bursts)
        error = 1.96 * best.variation * best.service_ms / np.sqrt(count)
        possible = [f.slots for f in ranked if f.closed == best.closed and _behind(f, ranked) < MARGIN]
        facts = replace(
            facts,
            slots=best.slots,
            slots_low=min(possible),
            slots_high=max(possible),
            service_ms=best.service_ms,
            service_low_ms=best.service_ms - error,
            service_high_ms=best.service_ms + error,
            variation=best.variation,
        )
    if admitted is not None:
        return _limited(best, admitted, facts, silent=not any(rejected))
    assert best is not None  # noqa: S101 - without rejections, doubt has ended this before
    return _queued(best, most, facts)


def _admitted(bursts: Sequence[Burst], rejected: Sequence[int], best: Fit | None) -> int | None:
    """Requests of a burst that were accepted; None where all were."""
    if any(rejected):
        return min(burst.requests for burst, refused in zip(bursts, rejected, strict=True) if refused)
    if best is not None and best.closed:
        return max(len(burst.answers) for burst in bursts)
    return None


def _limited(best: Fit | None, admitted: int, facts: Diagnosis, *, silent: bool) -> Diagnosis:
    verdict = f"admits {admitted} and rejects the rest"
    how = "by silence until their time-out, though its slots were free" if silent else "at once"
    within = ""
    if best is not None and best.slots >= admitted:
        within = f"; it serves those it lets in together, in {milliseconds(best.service_ms)} each"
    elif best is not None:
        within = (
            f"; it serves {best.slots} at a time and lets {admitted - best.slots} wait in a queue of fixed length "
            f"({milliseconds(best.service_ms)} each)"
        )
    return replace(
        facts,
        verdict=verdict,
        sentence=f"The target {verdict}, {how}{within}.",
        cause="a limit on connections, on requests in flight or on the length of the queue, here or in a gateway "
        "before it",
        remedy="raise the limit if it has room for more; else have clients wait and try again (Retry-After), or add "
        "replicas",
    )


def _queued(best: Fit, most: int, facts: Diagnosis) -> Diagnosis:
    each = f"{milliseconds(best.service_ms)} each"
    if best.slots >= most:
        return replace(
            facts,
            verdict=(verdict := "all at once"),
            sentence=f"The target serves {verdict}: {plural(most, 'request')} together, {each}.",
            cause="each request has a thread, a task or a slot in a batch of its own",
            remedy="none is needed at this load; a larger burst (--users) finds where it ends",
        )
    if best.slots == 1:
        return replace(
            facts,
            verdict=(verdict := "one at a time"),
            sentence=f"The target serves {verdict}: {each}, and every request waits for all before it.",
            cause="it brings a request to its end before it takes the next, as a single-threaded server does (Python's "
            "http.server.HTTPServer), or one lock is held for a whole request",
            remedy="serve each request in a thread or task of its own (ThreadingHTTPServer, an asynchronous "
            "framework), or start more workers",
        )
    low, high = facts.slots_low, facts.slots_high
    possible = "" if low == high else f" ({low} to {high} slots are possible)"
    return replace(
        facts,
        verdict=(verdict := f"{best.slots} at a time"),
        sentence=f"The target serves {verdict}: {each}, and the others wait for a free slot{possible}.",
        cause=f"{plural(best.slots, 'worker')}, threads or slots serve one queue",
        remedy="raise the number of workers or slots if the machine has room for more; else add replicas",
    )


def _behind(fit: Fit, ranked: Sequence[Fit]) -> float:
    return ranked[0].log_likelihood - fit.log_likelihood


def _shown(ranked: Sequence[Fit]) -> tuple[Explanation, ...]:
    return tuple(
        Explanation(fit.slots, fit.closed, fit.service_ms, fit.variation, _behind(fit, ranked))
        for fit in ranked[:SHOWN_FITS]
    )
