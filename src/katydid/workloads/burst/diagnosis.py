"""The diagnosis of a burst: how many requests the service serves at a time, in words, with cause and remedy.

It knows the outcome of each request and how well each number of slots fits (`concurrency_model.py`), but no run and
no samples.
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
from katydid.workloads.burst.contradictions import POSSIBLE, Possible, Probes, also_possible, contradiction

FEWEST_ANSWERS = 3
"""Two answers fit any number of slots."""
SHOWN_FITS = 8
NOT_DETERMINED = "not determined"


@dataclass(frozen=True, slots=True)
class Explanation:
    """A number of slots. `behind` is how far its log-likelihood lies below that of the likeliest number."""

    slots: int
    closed: bool
    service_ms: float
    variation: float
    behind: float


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The diagnosis, most important first.

    Attributes:
        verdict: `one at a time`, `N at a time`, `all at once`, `admits N and rejects the rest`, `not determined`.
        sentence: a sentence with the verdict.
        cause, remedy: the usual ones; empty if there are none.
        slots: requests served at a time; None if not determined. If all were served at once, there may be more slots.
        slots_low, slots_high: range of the numbers of slots that are also plausible.
        admitted: requests per burst that were accepted; None if none was rejected.
        service_ms: mean service time; its 95 % interval is service_low_ms to service_high_ms.
        variation: coefficient of variation of the service times (standard deviation / mean).
        chance_of_noise: how often answers at random times would look this regular.
        fits: the likeliest numbers of slots, the best first.
        possible: other possible causes, instead or in addition: `sharing`, `cold_start`, `limiter`, `unlike_servers`.
        alone_before_ms: time of one request alone before all bursts; None if it was not sent or not answered.
        alone_after_ms: the same after all bursts.
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


def diagnose_burst(bursts: Sequence[Burst], rejected: Sequence[int], probes: Probes | None = None) -> Diagnosis:
    """Diagnose how the service serves bursts that each began when it had no work left from the burst before.

    For each burst, `rejected` is the number of requests that were rejected at once.
    """
    probes = probes or Probes()
    found = _diagnosed(bursts, rejected, probes)
    return replace(found, alone_before_ms=probes.before, alone_after_ms=probes.after)


def _diagnosed(bursts: Sequence[Burst], rejected: Sequence[int], probes: Probes) -> Diagnosis:
    answers = sum(len(burst.answers) for burst in bursts)
    if answers == 0:
        return _unknown("no request was answered")
    if all(burst.requests + refused < 2 for burst, refused in zip(bursts, rejected, strict=True)):
        return _unknown("a single request cannot show concurrency: use --users 2 or more")
    ranked = fits(bursts)
    best, noise = ranked[0], chance_of_noise(bursts, ranked[0])
    reason = _doubt(answers, best, noise)
    if reason and not any(rejected):
        return _unknown(reason, noise, ranked, (Possible.COLD_START,) if probes.cold else ())
    if not any(rejected) and not best.closed and (seen := contradiction(bursts, best, probes)) is not None:
        return _unknown(seen.reason, noise, ranked, seen.possible)
    found = _found(bursts, rejected, ranked, None if reason else best, noise)
    possible = () if reason else also_possible(best, probes)
    also = "".join(f"; or {POSSIBLE[cause]}" for cause in possible)
    return replace(found, possible=tuple(map(str, possible)), cause=found.cause + also)


def _doubt(answers: int, best: Fit, noise: float) -> str:
    """Return why the likeliest number of slots cannot be trusted, or an empty string if it can."""
    if answers < FEWEST_ANSWERS:
        return f"only {plural(answers, 'request')} got an answer"
    if best.variation > MOST_ALIKE:
        return "the answers came at irregular times, or requests differ in how long they take"
    if noise > (NOISE_LIMIT if answers >= FEW else FEW_NOISE_LIMIT):
        return f"answers at random times would look this regular in {fraction(noise)} of the cases"
    return ""


def _unknown(
    reason: str, noise: float | None = None, ranked: Sequence[Fit] = (), possible: Sequence[Possible] = ()
) -> Diagnosis:
    return Diagnosis(
        NOT_DETERMINED,
        f"The number of requests that the target serves at a time is {NOT_DETERMINED}: {reason}.",
        cause=", or ".join(f"possibly {POSSIBLE[cause]}" for cause in possible),
        possible=tuple(map(str, possible)),
        remedy="use more users or several bursts (--bursts), requests that take equally long, and a longer "
        "--request-timeout",
        chance_of_noise=noise,
        fits=_shown(ranked),
    )


def _found(
    bursts: Sequence[Burst], rejected: Sequence[int], ranked: Sequence[Fit], best: Fit | None, noise: float
) -> Diagnosis:
    admitted = None
    if any(rejected):
        admitted = min(burst.requests for burst, refused in zip(bursts, rejected, strict=True) if refused)
    elif best is not None and best.closed:
        admitted = max(len(burst.answers) for burst in bursts)
    found = Diagnosis(admitted=admitted, chance_of_noise=noise, fits=_shown(ranked))
    if best is not None:
        error = 1.96 * best.variation * best.service_ms / np.sqrt(sum(len(burst.answers) for burst in bursts))
        possible = [f.slots for f in ranked if f.closed == best.closed and _behind(f, ranked) < MARGIN]
        found = replace(
            found,
            slots=best.slots,
            slots_low=min(possible),
            slots_high=max(possible),
            service_ms=best.service_ms,
            service_low_ms=best.service_ms - error,
            service_high_ms=best.service_ms + error,
            variation=best.variation,
        )
    if admitted is not None:
        return _limited(best, admitted, found, silent=not any(rejected))
    assert best is not None  # noqa: S101 - without rejections, a doubt has already returned
    return _queued(best, max(burst.requests for burst in bursts), found)


def _limited(best: Fit | None, admitted: int, found: Diagnosis, *, silent: bool) -> Diagnosis:
    how = "by never answering until the timeout, although slots were free" if silent else "at once"
    if best is not None:
        each = f"{milliseconds(best.service_ms)} each"
        queued = f"it serves {best.slots} at a time, {each}, and queues {admitted - best.slots}"
        together = f"it serves the admitted ones together, {each}"
        how += f"; {together if best.slots >= admitted else queued}"
    return replace(
        found,
        verdict=(verdict := f"admits {admitted} and rejects the rest"),
        sentence=f"The target {verdict}, {how}.",
        cause="a limit on connections, on requests in flight or on the queue length, in the target or in a gateway "
        "in front of it",
        remedy="raise the limit if the target has capacity for more; otherwise have clients wait and retry "
        "(Retry-After), or add replicas",
    )


def _queued(best: Fit, most: int, found: Diagnosis) -> Diagnosis:
    each = f"{milliseconds(best.service_ms)} each"
    if best.slots >= most:
        return replace(
            found,
            verdict="all at once",
            sentence=f"The target serves all at once: {plural(most, 'request')} together, {each}.",
            cause="each request has its own thread, task or batch slot",
            remedy="none needed at this load; to find the limit, send a larger burst (--users)",
        )
    if best.slots == 1:
        return replace(
            found,
            verdict="one at a time",
            sentence=f"The target serves one at a time: {each}, and every request waits for all before it.",
            cause="it finishes one request before it takes the next, like a single-threaded server (Python's "
            "http.server.HTTPServer), or each request holds one lock from start to end",
            remedy="serve each request in its own thread or task (ThreadingHTTPServer, an asynchronous framework), "
            "or start more workers",
        )
    low, high = found.slots_low, found.slots_high
    possible = "" if low == high else f" ({low} to {high} slots are possible)"
    return replace(
        found,
        verdict=(verdict := f"{best.slots} at a time"),
        sentence=f"The target serves {verdict}: {each}, and the others wait for a free slot{possible}.",
        cause=f"{plural(best.slots, 'worker')}, threads or slots serve one queue",
        remedy="raise the number of workers or slots if the machine has capacity for more; otherwise add replicas",
    )


def _behind(fit: Fit, ranked: Sequence[Fit]) -> float:
    return ranked[0].log_likelihood - fit.log_likelihood


def _shown(ranked: Sequence[Fit]) -> tuple[Explanation, ...]:
    return tuple(
        Explanation(fit.slots, fit.closed, fit.service_ms, fit.variation, _behind(fit, ranked))
        for fit in ranked[:SHOWN_FITS]
    )
