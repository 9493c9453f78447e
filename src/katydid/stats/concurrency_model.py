"""How many of a burst's requests a service works on at a time, from when their answers came. Arithmetic only.

The model: k slots, a queue in front of them, and all requests in it at once. The first k start at 0; each
one after them starts when a slot becomes free, so the i-th start is the (i−k)-th answer. Starts and
answers are taken in their order: with the right k every difference is one service time, and they are alike;
with a wrong k they are not. Service times are normal around one mean; a request that gave up waiting is
censored: its service was longer than it had had (Kaplan's and Meier's sense of the word), or never began.

What the likeliest k is worth is asked of noise: how often would answers at random moments fit some k as well?
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr

MOST_ALIKE = 0.25
"""Largest coefficient of variation of the service times at which slots are told apart; noise reaches it too."""
NOISE_LIMIT, FEW_NOISE_LIMIT, FEW = 0.02, 0.2, 8
"""How often noise may do as well; more often where fewer than FEW answers came, which cannot do better."""
MARGIN = 3.0
"""Log-likelihood that a number of slots may lie below the likeliest and still be possible (a Bayes factor of 20)."""
DRAWS, SEED = 500, 4
MOST_CANDIDATES = 64
CLOSED_PENALTY = 8.0
"""Log-likelihood that a service which leaves requests without any answer must win by: a slow one is likelier."""
_FINEST = 1e-3
"""Service times are not held for more alike than this share of the longest wait: clocks are not."""


@dataclass(frozen=True, slots=True)
class Burst:
    """What came of requests that were sent together. Milliseconds from the moment in which they were.

    Attributes:
        answers: when each answer was complete, ascending.
        unanswered: when each of the others gave up waiting, ascending; those that were refused at once are not
            among them.
    """

    answers: np.ndarray
    unanswered: np.ndarray

    @property
    def requests(self) -> int:
        """How many were accepted."""
        return len(self.answers) + len(self.unanswered)


@dataclass(frozen=True, slots=True)
class Fit:
    """One number of slots, and how well it explains the answers.

    Attributes:
        slots: k.
        closed: the service took only as many as it answered, and left the others without any answer.
        service_ms: mean service time.
        variation: of the service times, standard deviation / mean.
        log_likelihood: of the bursts, less CLOSED_PENALTY where `closed`.
    """

    slots: int
    closed: bool
    service_ms: float
    variation: float
    log_likelihood: float


def starts(answers: np.ndarray, slots: int, count: int) -> np.ndarray:
    """When each of `count` requests began to be served, by the model; infinity where that never was."""
    known = np.concatenate([np.zeros(slots), answers])[:count]
    return np.concatenate([known, np.full(count - len(known), np.inf)])


def fits(bursts: Sequence[Burst]) -> list[Fit]:
    """Every number of slots that is worth asking about, the likeliest first; empty without answers."""
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
    """1 to `most`; nearly evenly in the logarithm where those are many."""
    if most <= MOST_CANDIDATES:
        return list(range(1, most + 1))
    return sorted({round(k) for k in np.geomspace(1, most, MOST_CANDIDATES)})


def _fit(bursts: Sequence[Burst], slots: int, *, closed: bool) -> Fit:
    served, ages = _service(bursts, slots, closed=closed)
    finest = _FINEST * max(burst.answers[-1] for burst in bursts if len(burst.answers))
    mean, spread = float(served.mean()), max(float(served.std()), finest)

    def loss(at: Sequence[float]) -> float:
        """Minus the log-likelihood at (mean, ln spread)."""
        wide = max(math.exp(at[1]), finest)
        return -_log_likelihood(served, ages, at[0], wide)

    if len(ages) and log_ndtr((mean - ages) / spread).sum() < -1e-3:  # the censored ones pull
        from scipy.optimize import minimize  # noqa: PLC0415 - slow to import, and few runs come here

        mean, log_spread = minimize(loss, [mean, math.log(spread)], method="Nelder-Mead").x
        spread = max(math.exp(log_spread), finest)
    penalty = CLOSED_PENALTY if closed else 0.0
    return Fit(slots, closed, float(mean), spread / mean, -loss([mean, math.log(spread)]) - penalty)


def _log_likelihood(served: np.ndarray, ages: np.ndarray, mean: float, spread: float) -> float:
    """Of normal service times, with `ages` that each was longer than."""
    away = (served - mean) / spread
    density = -0.5 * away**2 - math.log(spread * math.sqrt(2.0 * math.pi))
    return float(density.sum() + log_ndtr((mean - ages) / spread).sum())


def _service(bursts: Sequence[Burst], slots: int, *, closed: bool) -> tuple[np.ndarray, np.ndarray]:
    """Service times of what was answered, and how long the others had been served when they gave up."""
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
    """How often answers at random moments fit some number of slots as well as `best` fits these, from 0 to 1.

    Two kinds of noise, and the one that does it more often: moments spread evenly over the time that was
    waited, and moments around the mean of these answers with their spread.
    """
    random = np.random.default_rng(SEED)
    return max(_chance(random, bursts, best, around_mean=around_mean) for around_mean in (False, True))


def _chance(random: np.random.Generator, bursts: Sequence[Burst], best: Fit, *, around_mean: bool) -> float:
    together = max(len(burst.answers) if best.closed else burst.requests for burst in bursts)
    if around_mean and best.slots >= together:
        return 0.0  # answers around one mean are what that many slots look like
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
    """DRAWS × answers, ascending in each row."""
    shape = (DRAWS, len(burst.answers))
    if around_mean and len(burst.answers):
        moments = np.abs(random.normal(burst.answers.mean(), burst.answers.std(), shape))
    elif len(burst.unanswered):
        moments = random.uniform(0.0, float(burst.unanswered.min()), shape)
    else:
        moments = random.uniform(0.0, 1.0, shape)
        moments *= float(burst.answers[-1]) / moments.max(axis=1, keepdims=True)
    return np.sort(moments, axis=1)
