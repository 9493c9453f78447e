"""Estimate how many requests of a burst a service handles concurrently, from the times of their answers. Pure.

The model: k slots with a queue in front of them, and all requests arrive at once. The first k start at 0. Each later
one starts when a slot becomes free, so the i-th start is the (i−k)-th answer. With the right k, the differences between
answers and starts, both in order, are service times and all alike; with a wrong k they are not. Service times are
normal around one mean. A request that gave up waiting is censored (Kaplan and Meier): its service took longer than it
waited, or never began.

To judge the most likely k, it is compared with noise: how often would answers at random times fit some k as well?
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr

MOST_ALIKE = 0.25
"""The largest coefficient of variation of service times that identifies the slots; noise alone can reach it too."""
NOISE_LIMIT, FEW_NOISE_LIMIT, FEW = 0.02, 0.2, 8
"""How often noise may fit as well; a higher limit for fewer than FEW answers, which cannot reach the lower one."""
MARGIN = 3.0
"""A number of slots is possible if its log-likelihood is at most this far below the best (a Bayes factor of 20)."""
DRAWS, SEED = 500, 4
MOST_CANDIDATES = 64
CLOSED_PENALTY = 8.0
"""Log-likelihood by which a service that never answers some requests must win: a slow service is more likely."""
_FINEST = 1e-3
"""The least standard deviation of service times, as a share of the longest wait: clocks are no more exact."""


@dataclass(frozen=True, slots=True)
class Burst:
    """The outcome of requests that were sent together. Times in milliseconds after sending.

    Attributes:
        answers: when each answer was complete, ascending.
        unanswered: when each of the others gave up waiting, ascending; without requests that were rejected at once.
    """

    answers: np.ndarray
    unanswered: np.ndarray

    @property
    def requests(self) -> int:
        """The number of accepted requests."""
        return len(self.answers) + len(self.unanswered)


@dataclass(frozen=True, slots=True)
class Fit:
    """A number of slots, and how well it explains the answers.

    Attributes:
        slots: k.
        closed: the service served only the requests that it answered, and never answers the others.
        service_ms: mean service time.
        variation: coefficient of variation of the service times.
        log_likelihood: of the bursts, less CLOSED_PENALTY if `closed`.
    """

    slots: int
    closed: bool
    service_ms: float
    variation: float
    log_likelihood: float


def starts(answers: np.ndarray, slots: int, count: int) -> np.ndarray:
    """When the service of each of `count` requests began, by the model; infinity for those never served."""
    known = np.concatenate([np.zeros(slots), answers])[:count]
    return np.concatenate([known, np.full(count - len(known), np.inf)])


def fits(bursts: Sequence[Burst]) -> list[Fit]:
    """The fit of every candidate number of slots, most likely first; empty without answers."""
    most = max((burst.requests for burst in bursts), default=0)
    if not sum(len(burst.answers) for burst in bursts):
        return []
    unanswered = any(len(burst.unanswered) for burst in bursts)
    found = [_fit(bursts, slots, closed=False) for slots in _candidates(most)]
    if unanswered:
        answered = max(len(burst.answers) for burst in bursts)
        found += [_fit(bursts, slots, closed=True) for slots in _candidates(answered)]
    return sorted(found, key=lambda fit: -fit.log_likelihood)


def _candidates(most: int) -> list[int]:
    """The numbers from 1 to `most`; if these are many, about MOST_CANDIDATES of them, evenly spaced in the log."""
    if most <= MOST_CANDIDATES:
        return list(range(1, most + 1))
    return sorted({round(k) for k in np.geomspace(1, most, MOST_CANDIDATES)})


def _fit(bursts: Sequence[Burst], slots: int, *, closed: bool) -> Fit:
    served, ages = _service(bursts, slots, closed=closed)
    finest = _FINEST * max(burst.answers[-1] for burst in bursts if len(burst.answers))
    mean, spread = float(served.mean()), max(float(served.std()), finest)

    def loss(at: Sequence[float]) -> float:
        """The negative log-likelihood at (mean, ln spread)."""
        wide = max(math.exp(at[1]), finest)
        return -_log_likelihood(served, ages, at[0], wide)

    if len(ages) and log_ndtr((mean - ages) / spread).sum() < -1e-3:  # the censored requests shift the optimum
        from scipy.optimize import minimize  # noqa: PLC0415 - slow to import, and few runs come here

        mean, log_spread = minimize(loss, [mean, math.log(spread)], method="Nelder-Mead").x
        spread = max(math.exp(log_spread), finest)
    penalty = CLOSED_PENALTY if closed else 0.0
    return Fit(slots, closed, float(mean), spread / mean, -loss([mean, math.log(spread)]) - penalty)


def _log_likelihood(served: np.ndarray, ages: np.ndarray, mean: float, spread: float) -> float:
    """Log-likelihood of normal service times: known ones, and censored ones that were longer than `ages`."""
    away = (served - mean) / spread
    density = -0.5 * away**2 - math.log(spread * math.sqrt(2.0 * math.pi))
    return float(density.sum() + log_ndtr((mean - ages) / spread).sum())


def _service(bursts: Sequence[Burst], slots: int, *, closed: bool) -> tuple[np.ndarray, np.ndarray]:
    """Service times of the answered requests, and how long the others had been in service when they gave up."""
    served, ages = [], []
    for burst in bursts:
        begun = starts(burst.answers, slots, burst.requests)
        answered = len(burst.answers)
        served.append(burst.answers - begun[:answered])
        if not closed:
            age = burst.unanswered - begun[answered:]
            ages.append(age[age > 0])
    return np.concatenate(served), np.concatenate(ages) if ages else np.empty(0)


def chance_of_noise(bursts: Sequence[Burst], best: Fit) -> float:
    """How often answers at random times fit some number of slots as well as `best` fits these, from 0 to 1.

    The larger of the results for two kinds of noise: times spread evenly over the waiting time, and times with the mean
    and spread of these answers.
    """
    random = np.random.default_rng(SEED)
    return max(_chance(random, bursts, best, around_mean=around_mean) for around_mean in (False, True))


def _chance(random: np.random.Generator, bursts: Sequence[Burst], best: Fit, *, around_mean: bool) -> float:
    together = max(len(burst.answers) if best.closed else burst.requests for burst in bursts)
    if around_mean and best.slots >= together:
        return 0.0  # with that many slots, answers around one mean are what the model predicts
    alike = np.full(DRAWS, np.inf)
    drawn = [_noise(random, burst, around_mean=around_mean) for burst in bursts]
    for slots in _candidates(max(burst.requests for burst in bursts)):
        parts, overdue = [], np.zeros(DRAWS, dtype=bool)
        for answers in drawn:
            begun = np.zeros_like(answers)
            begun[:, slots:] = answers[:, : max(0, answers.shape[1] - slots)]
            parts.append(answers - begun)
        served = np.concatenate(parts, axis=1)
        mean, spread = served.mean(axis=1), served.std(axis=1)
        for burst, answers in zip(bursts, drawn, strict=True):
            if len(burst.unanswered) and not best.closed:
                known = np.concatenate([np.zeros((DRAWS, slots)), answers], axis=1)
                since = known[:, answers.shape[1] : burst.requests].min(axis=1)
                overdue |= burst.unanswered.min() - since > mean + 3.0 * spread
        variation = np.where(overdue, np.inf, spread / mean)
        alike = np.minimum(alike, variation)
    return float((alike <= best.variation).mean())


def _noise(random: np.random.Generator, burst: Burst, *, around_mean: bool) -> np.ndarray:
    """Random answer times, DRAWS × answers, ascending in each row."""
    shape = (DRAWS, len(burst.answers))
    if around_mean and len(burst.answers):
        moments = np.abs(random.normal(burst.answers.mean(), burst.answers.std(), shape))
    elif len(burst.unanswered):
        moments = random.uniform(0.0, float(burst.unanswered.min()), shape)
    else:
        moments = random.uniform(0.0, 1.0, shape)
        moments *= float(burst.answers[-1]) / moments.max(axis=1, keepdims=True)
    return np.sort(moments, axis=1)
