"""A queue of one line and several servers, played through: what no formula says, a simulation does.

Service times may follow any distribution. Knows no speech and no run; times are seconds.
"""

import heapq
from dataclasses import dataclass

import numpy as np

JOBS = 200_000
"""Played after the warm-up: p95 is then good to about 2 % at a utilisation of 0.9."""
_WARM_UP = 20_000
_CRITICAL = 1 - 1e-6
"""Utilisation from which on a queue counts as one that only grows."""


@dataclass(frozen=True, slots=True)
class Waits:
    """What arrivals met: the share that had to wait, and quantiles of the wait."""

    waiting: float
    p95: float
    p99: float


def simulate_waits(servers: int, rate: float, services: np.ndarray, seed: int = 0) -> Waits:
    """Waits of Poisson arrivals at `rate` a second, in the order of their arrival (M/G/c).

    Args:
        servers: that take the first of the line when they are free.
        rate: of the arrivals.
        services: service times to draw from; their share of it is their probability.
        seed: the same seed gives the same answer.

    Returns:
        Infinite waits where the servers cannot do the work.
    """
    if rate * float(services.mean()) > servers * _CRITICAL:
        return Waits(1.0, np.inf, np.inf)
    random = np.random.default_rng(seed)
    arrivals = np.cumsum(random.exponential(1.0 / rate, _WARM_UP + JOBS))
    durations = random.choice(services, _WARM_UP + JOBS)
    free = [0.0] * servers
    waits = np.empty(len(arrivals))
    for index, (arrival, duration) in enumerate(zip(arrivals.tolist(), durations.tolist(), strict=True)):
        start = max(arrival, free[0])
        heapq.heapreplace(free, start + duration)
        waits[index] = start - arrival
    waits = waits[_WARM_UP:]
    p95, p99 = np.quantile(waits, (0.95, 0.99), method="inverted_cdf")
    return Waits(float((waits > 1e-9).mean()), float(p95), float(p99))


def service_times(mean: float, variation: float, size: int = 10_000) -> np.ndarray:
    """Service times with this mean and coefficient of variation: equal ones for 0, else lognormal.

    Scaled, so that the mean is exact although the times are drawn.
    """
    if variation == 0:
        return np.array([mean])
    sigma2 = np.log1p(variation**2)
    normal = np.random.default_rng(0).standard_normal(size)
    times = np.exp(np.sqrt(sigma2) * normal - sigma2 / 2)
    scaled: np.ndarray = times * (mean / times.mean())
    return scaled
