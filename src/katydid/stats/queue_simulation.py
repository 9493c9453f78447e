"""Simulate a queue with one line and several servers, for service times that no formula covers.

Service times may follow any distribution. Times are in seconds. Knows nothing about speech or runs.
"""

import heapq
from dataclasses import dataclass

import numpy as np

JOBS = 200_000
"""Simulated after the warm-up: enough for a p95 within about 2 % at a utilisation of 0.9."""
_WARM_UP = 20_000
_SEED = 0
_DRAWN_TIMES = 10_000
_CRITICAL = 1 - 1e-6
"""At this utilisation or more, the queue grows without bound."""


@dataclass(frozen=True, slots=True)
class Waits:
    """The share of arrivals that had to wait, and quantiles of the wait."""

    waiting: float
    p95: float
    p99: float


def simulate_waits(servers: int, rate: float, services: np.ndarray) -> Waits:
    """Simulate the waits of Poisson arrivals that are served first come, first served (M/G/c).

    Args:
        servers: the number of servers.
        rate: arrivals per second.
        services: service times to draw from, all equally likely.

    Returns:
        The waits; infinite if the load exceeds what the servers can do.
    """
    if rate * float(services.mean()) > servers * _CRITICAL:
        return Waits(1.0, np.inf, np.inf)
    random = np.random.default_rng(_SEED)
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


def service_times(mean: float, variation: float) -> np.ndarray:
    """Service times with this mean and coefficient of variation: constant for 0, else lognormal.

    The drawn times are scaled so that their mean is exact.
    """
    if variation == 0:
        return np.array([mean])
    sigma2 = np.log1p(variation**2)
    normal = np.random.default_rng(_SEED).standard_normal(_DRAWN_TIMES)
    times = np.exp(np.sqrt(sigma2) * normal - sigma2 / 2)
    scaled: np.ndarray = times * (mean / times.mean())
    return scaled
