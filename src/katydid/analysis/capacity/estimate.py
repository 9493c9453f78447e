"""Estimate the capacity, the highest load that meets an objective, from steady stages at several loads.

Capacity is N@objective: the number of users with one request per interval each, or of requests per second, up to which
the objective is met and the target keeps up with the offered load. "Users when it failed" is a different and much
higher number: failures arrive a timeout late, while users are still being added.

Pure arithmetic on `HoldResult`s; `analysis.capacity.search` chooses the loads.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import median_high, median_low

import numpy as np
from msgspec import structs
from scipy import special

from katydid.analysis.advice import stages_advice
from katydid.analysis.capacity.answer import load
from katydid.analysis.capacity.holds import (
    CONVERSATIONS_OK,
    Criterion,
    HoldResult,
    broken_itself,
    criteria_of,
    holds_of,
)
from katydid.analysis.capacity.knee import usl_knee
from katydid.analysis.diagnosis import diagnose_limit
from katydid.analysis.validity import Run
from katydid.model.documents.capacity import REQUESTS_PER_S, USERS, CapacityFound, Step
from katydid.model.documents.manifest import Manifest

MEASURE = "measure"
"""The purpose of stages that are repeated; stages with another purpose only find the range."""
KEEPS_UP = "keeps_up"
_OF_FAILURES = ("failure_rate", CONVERSATIONS_OK, "failures")
"""Criteria that failed requests alone can violate."""

RESOLUTION = 0.03
"""The method's own relative error: loads differ by about 4 %, and near the limit a queue grows so slowly that a stage
of a few intervals does not show it (simulated: 2 % too high)."""
CONFIDENCE = 0.95
ONE_REPEAT = 0.13
"""The same with a single repeat, which shows no scatter: 2 × 6.3 %, the scatter of single searches on a target that
varies by 4 % from run to run."""
CLIFF = 0.5
"""A larger jump of the missed share from one load to the next is a cliff, where interpolation means nothing."""
WELL_FITTED = 0.06
"""The largest distance of a share from a well-fitted curve."""
CLEARLY_BEHIND = 0.97
"""A target that sustains less than this share of the offered load shows its maximum rate."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """The load at which a criterion starts to be violated.

    Attributes:
        users: the load; infinite if the criterion was met everywhere.
        method: `logistic`, `isotonic`, `cliff`, `saturation` or `limiter`.
    """

    metric: str
    users: float
    method: str


@dataclass(frozen=True, slots=True)
class Capacity:
    """The result of a search.

    Attributes:
        capacity: in users; the most that were tried, if `at_least`; None if no load met the objective.
        low, high: 95 % interval; `high` is None if no load violated the objective.
        at_least: no load violated the objective.
        estimates: one per repeat.
        limiting: the criterion that is violated first.
        method: the most frequent over the repeats; see `Crossing`.
        cliff: the objective is met at one load and badly violated at the next.
        knee: users at the highest throughput, by the Universal Scalability Law; None if outside the range of loads.
        limiter_seen: stages lasted long enough to measure the rate limiter that violates the objective; None if no
            rate limiter does.
    """

    capacity: float | None
    low: float | None
    high: float | None
    at_least: bool
    estimates: tuple[float, ...]
    limiting: str | None
    method: str | None
    cliff: bool
    knee: float | None
    limiter_seen: bool | None = None


def estimate_capacity(results: Sequence[HoldResult], criteria: Sequence[Criterion]) -> Capacity:
    """Estimate the capacity from all stages of a search."""
    knee = usl_knee(results)
    results = _believed(_long_enough(results))
    held = [r.users for r in results if r.held]
    if all(r.held for r in results):
        most = float(max(held)) if held else None
        return Capacity(most, most, None, bool(held), (), None, None, cliff=False, knee=knee)
    crossings = [first_crossing(holds, criteria) for holds in _repeats(results)]
    found = [c for c in crossings if c is not None and 0 < c.users < math.inf]
    if not held or not found:
        return Capacity(None, None, None, False, (), _broken_most(results), None, cliff=False, knee=knee)
    limiting = _most([c.metric for c in found])
    estimates = tuple(c.users for c in found)
    middle: float | None = math.exp(float(np.mean(np.log(estimates))))
    low: float | None
    low, high = _interval(estimates)
    method = _most([c.method for c in found])
    seen = _limiter_seen(results, limiting)
    if seen is False:  # longer stages might sustain less, but not more
        middle = low = None
    cliff = method == "cliff"
    return Capacity(middle, low, high, False, estimates, limiting, method, cliff, knee, seen)


def first_crossing(holds: Sequence[HoldResult], criteria: Sequence[Criterion]) -> Crossing | None:
    """The criterion that is violated at the lowest load; None if none is."""
    found = [c for criterion in criteria if (c := _crossing(holds, criterion)) is not None]
    limited = let_pass(holds, min((c.allowed for c in criteria), default=0.0))
    if limited is not None:
        found.append(Crossing(_failing(holds), limited, "limiter"))
    saturated = saturation(holds)
    if saturated is not None:
        found.append(Crossing(KEEPS_UP, saturated, "saturation"))
    return min(found, key=lambda c: c.users, default=None)


def saturation(holds: Iterable[HoldResult]) -> float | None:
    """Users that the target can keep up with, from stages in which it fell behind; None if it never did.

    A target that answers X requests per second while more are offered sustains X × interval users (operational
    analysis, Denning and Buzen 1978), however far beyond its limit it is measured. A hiccup of target or generator can
    only lower the value, so the upper median is used. Short stages are less exact, and count only if there are no
    others.
    """
    behind = [h for h in holds if not h.keeps_up]
    behind = [h for h in behind if h.purpose.startswith(MEASURE)] or behind
    clearly = [h.sustained for h in behind if h.sustained < CLEARLY_BEHIND * h.users]
    values = clearly or [h.sustained for h in behind]
    return median_high(values) if values else None


def let_pass(holds: Sequence[HoldResult], allowed: float) -> float | None:
    """Users at which a rate limiter rejects just the allowed share; None if no stage shows the limiter's rate.

    Unlike the share rejected in one stage, this does not depend on the quota that was left when the stage began.
    """
    users = [
        h.limiter_per_s / h.requests_each * h.users / h.offered_per_s / (1.0 - allowed)
        for h in holds
        if h.limiter_per_s and not h.held and allowed < 1
    ]
    return median_low(users) if users else None


def _failing(holds: Sequence[HoldResult]) -> str:
    """The name of the failure criterion that was violated."""
    broken = [name for hold in holds for name in broken_itself(hold)]
    return next((name for name in broken if name in _OF_FAILURES), "failures")


def _limiter_seen(results: Sequence[HoldResult], limiting: str) -> bool | None:
    limited = [r for r in results if r.rate_limited and not r.held]
    if not limited or limiting not in _OF_FAILURES:
        return None
    return any(r.limiter_per_s for r in limited)


def _long_enough(results: Sequence[HoldResult]) -> Sequence[HoldResult]:
    """The stages at least as long as a rate limiter's window; shorter ones only show how much quota was left."""
    window = max((r.limiter_window_s or 0.0 for r in results if not r.held), default=0.0)
    longer = [r for r in results if r.seconds >= window]
    return longer if any(r.purpose.startswith(MEASURE) for r in longer) else results


def _believed(results: Sequence[HoldResult]) -> list[HoldResult]:
    """The stages without short ones that longer ones contradict: violated below a load that held, or vice versa."""
    measured = [r for r in results if r.purpose.startswith(MEASURE)]
    most_held = max((r.users for r in measured if r.held), default=0)
    least_broken = min((r.users for r in measured if not r.held), default=math.inf)
    return [
        r for r in results
        if r.purpose.startswith(MEASURE) or (r.users < least_broken if r.held else r.users > most_held)
    ]  # fmt: skip


def _repeats(results: Sequence[HoldResult]) -> list[list[HoldResult]]:
    """The stages of each repeat, with the short stages outside its range as anchors."""
    names = list(dict.fromkeys(r.purpose for r in results if r.purpose.startswith(MEASURE)))
    others = [r for r in results if not r.purpose.startswith(MEASURE)]
    repeats = []
    for name in names:
        own = [r for r in results if r.purpose == name]
        low, high = min(r.users for r in own), max(r.users for r in own)
        repeats.append([*own, *(r for r in others if not low <= r.users <= high)])
    return repeats or [others]


def _crossing(holds: Sequence[HoldResult], criterion: Criterion) -> Crossing | None:
    """The load at which the share of requests that miss a criterion exceeds the allowed share."""
    usable = [h for h in holds if _tells(h, criterion)]
    if not usable or not any(criterion.metric in h.broken for h in usable):
        return None
    name = _name(criterion.metric, usable)
    ordered = sorted(usable, key=lambda h: h.users)
    users = np.array([h.users for h in ordered], dtype=np.float64)
    total = np.array([h.judged[criterion.metric] for h in ordered], dtype=np.float64)
    shares = np.array([h.missed_share(criterion.metric) for h in ordered])
    from scipy.optimize import isotonic_regression  # noqa: PLC0415 - slow to import, and few runs come here

    smooth = isotonic_regression(shares, weights=total).x
    above = int(np.argmax(smooth > criterion.allowed))
    if smooth[above] <= criterion.allowed:
        return None
    if above == 0:
        return Crossing(name, float(users[0]), "isotonic")
    below = above - 1
    if smooth[above] - smooth[below] > CLIFF:
        return Crossing(name, math.sqrt(users[below] * users[above]), "cliff")
    fitted = _logistic(np.log(users), shares, total, criterion.allowed)
    if fitted is not None and users[0] <= fitted <= users[-1]:
        return Crossing(name, fitted, "logistic")
    part = (criterion.allowed - smooth[below]) / (smooth[above] - smooth[below])
    return Crossing(name, float(users[below] * (users[above] / users[below]) ** part), "isotonic")


def _tells(hold: HoldResult, criterion: Criterion) -> bool:
    """Return True if the share that missed a criterion in a stage is representative of the stage's load.

    It is not if the target fell behind, because the share would still grow, or if so few requests were judged that more
    than the allowed share missed it by chance.
    """
    if not hold.judged[criterion.metric]:
        return False
    beyond = hold.missed_share(criterion.metric) > criterion.allowed
    return criterion.metric in hold.broken or (hold.keeps_up and not beyond)


def _name(metric: str, holds: Sequence[HoldResult]) -> str:
    """The criterion's name, or that of the failure criterion if failures alone violated it in all stages."""
    broke = [broken_itself(hold) for hold in holds if metric in hold.broken]
    return metric if any(metric in names for names in broke) else _failing(holds)


def _logistic(x: np.ndarray, shares: np.ndarray, total: np.ndarray, allowed: float) -> float | None:
    """The load at which a logistic curve through the shares reaches `allowed`; None if no such curve fits."""
    centre, width = float(x.mean()), float(x.std()) or 1.0
    z = (x - centre) / width
    bad = shares * total

    def loss(parameters: np.ndarray) -> float:
        eta = parameters[0] + parameters[1] * z
        return float(np.sum(total * np.logaddexp(0.0, eta) - bad * eta) + 1e-3 * parameters[1] ** 2)

    from scipy.optimize import minimize  # noqa: PLC0415 - as above

    fitted = minimize(loss, np.array([0.0, 1.0]), method="Nelder-Mead", options={"maxiter": 2000})
    a, b = fitted.x
    if b <= 0:
        return None
    misfit = np.abs(1.0 / (1.0 + np.exp(-(a + b * z))) - shares)
    if misfit.max() > WELL_FITTED:
        return None
    at = (math.log(allowed / (1.0 - allowed)) - a) / b if 0 < allowed < 1 else None
    return None if at is None else math.exp(centre + width * at)


def _interval(estimates: Sequence[float]) -> tuple[float, float]:
    """The 95 % interval over the repeats, on log N; at least as wide as the resolution, and as whole users."""
    logs = np.log(estimates)
    half = math.log1p(resolution(len(logs)))
    if len(logs) > 1:
        spread = float(logs.std(ddof=1)) / math.sqrt(len(logs))
        half = math.hypot(half, float(special.stdtrit(len(logs) - 1, 0.5 + CONFIDENCE / 2)) * spread)
    middle = float(logs.mean())
    low, high, middle = math.exp(middle - half), math.exp(middle + half), math.exp(middle)
    return min(low, math.floor(middle)), max(high, math.ceil(middle))


def resolution(repeats: int) -> float:
    """The least half-width of the interval, as a fraction of the capacity."""
    return RESOLUTION if repeats > 1 else ONE_REPEAT


def _most(words: Sequence[str]) -> str:
    return max(words, key=words.count)


def _broken_most(results: Sequence[HoldResult]) -> str | None:
    broken = [name for r in results for name in broken_itself(r)]
    return _most(broken) if broken else None


def _as_rates(found: Capacity, steps: Sequence[Step], manifest: Manifest) -> tuple[Capacity, list[Step]]:
    """Convert a search over rates from users, as `measure_hold` counts them, to requests per second."""
    interval = manifest.interval_s or 1.0

    def rate(users: float | None) -> float | None:
        return None if users is None else users / interval

    told = [
        structs.replace(step, users=manifest.stage(step.stage).users, sustained=step.sustained / interval)
        for step in steps
    ]
    estimates = tuple(users / interval for users in found.estimates)
    low, high, knee = rate(found.low), rate(found.high), rate(found.knee)
    return replace(found, capacity=rate(found.capacity), low=low, high=high, knee=knee, estimates=estimates), told


def capacity_part(run: Run) -> dict[str, object]:
    """The part of `summary.json` on a capacity search: the capacity, its interval, what limited it, and all stages."""
    criteria = criteria_of(run.manifest)
    holds = [h for h in holds_of(run.frame, run.manifest, criteria) if h.ended != "interrupted"]
    found = estimate_capacity(holds, criteria)
    limit = diagnose_limit(run, holds)
    steps = [h.step() for h in holds]
    if run.manifest.is_open:
        found, steps = _as_rates(found, steps, run.manifest)
    told = CapacityFound(
        **(asdict(found) | {"estimates": list(found.estimates)}),
        unit=REQUESTS_PER_S if run.manifest.is_open else USERS,
        limited_by=limit.cause,
        evidence=limit.evidence,
        objective=[c.text for c in criteria],
        steps=steps,
    )
    upto = None if told.capacity is None else load(told, told.capacity)
    advised = structs.replace(told, advice=stages_advice(run, holds, limit.cause, upto))
    return {"limited_by": limit.cause, "evidence": limit.evidence, "capacity": advised}
