"""The load with the highest throughput, by the Universal Scalability Law (Gunther). It is not the capacity."""

import math
from collections.abc import Sequence

import numpy as np

from katydid.analysis.capacity.holds import HoldResult

FEWEST_LOADS = 6
"""The fewest different loads for a fit; the objective must be violated at some of them."""


def usl_knee(results: Sequence[HoldResult]) -> float | None:
    """Users at the highest throughput, by Gunther's Universal Scalability Law; None if the loads do not show it.

    X(N) = γN / (1 + σ(N − 1) + κN(N − 1)) is highest at N = √((1 − σ) / κ).
    """
    loads = np.array([r.users for r in results if r.ok], dtype=np.float64)
    rates = np.array([r.ok_per_s for r in results if r.ok])
    if len(np.unique(loads)) < FEWEST_LOADS or all(r.held for r in results):
        return None

    def law(n: np.ndarray, gamma: float, sigma: float, kappa: float) -> np.ndarray:
        return gamma * n / (1.0 + sigma * (n - 1.0) + kappa * n * (n - 1.0))

    from scipy.optimize import curve_fit  # noqa: PLC0415 - slow to import, and few runs come here

    start = [float(np.max(rates / loads)), 0.01, 1e-5]
    try:
        (_, sigma, kappa), _ = curve_fit(law, loads, rates, p0=start, bounds=(0.0, [np.inf, 1.0, 1.0]), max_nfev=5000)
    except RuntimeError:  # the fit does not converge
        return None
    if kappa <= 0 or sigma >= 1:
        return None
    knee = math.sqrt((1.0 - sigma) / kappa)
    return knee if loads.min() <= knee <= loads.max() else None
