"""Estimate the capacity, the highest load that meets an objective, from steady stages at several loads.

Capacity is N@objective: the number of users with one request per interval each, or of requests per second, up to which
the objective is met and the target keeps up with the offered load. "Users when it failed" is a different and much
higher number: failures arrive a timeout late, while users are still being added.

Pure arithmetic on `HoldResult`s; `analysis.capacity.search` chooses the loads.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median_high, median_low, mode

import numpy as np
from msgspec import structs
from scipy import special

from katydid.analysis.advice import stages_advice
from katydid.analysis.capacity.holds import (
    CONVERSATIONS_OK,
    Criterion,
    HoldResult,
    broken_itself,
    criteria_of,
    criterion_text,
    holds_of,
)
from katydid.analysis.diagnosis import diagnose_limit
from katydid.analysis.validity import Run
from katydid.model.documents.capacity import REQUESTS_PER_S, CapacityFound
from katydid.model.documents.manifest import Manifest
from katydid.model.formatting import number, or_dash, plural, significant

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
FEWEST_LOADS = 6
"""The fewest different loads for a fit of the Universal Scalability Law."""


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


def estimate_capacity(results: Sequence[HoldResult], criteria: Sequence[Criterion]) -> CapacityFound:
    """Estimate the capacity, in users, from all stages of a search; what limited it is not diagnosed here."""
    found = CapacityFound(
        capacity=None,
        low=None,
        high=None,
        at_least=False,
        knee=usl_knee(results),
        objective=[c.text for c in criteria],
        steps=[r.step() for r in results],
    )
    results = _believed(_long_enough(results))
    held = [r.users for r in results if r.held]
    if all(r.held for r in results):
        most = float(max(held)) if held else None
        return structs.replace(found, capacity=most, low=most, at_least=bool(held))
    firsts = (first_crossing(holds, criteria) for holds in _repeats(results))
    crossings = [c for c in firsts if c is not None and 0 < c.users < math.inf]
    if not held or not crossings:
        broken = [name for r in results for name in broken_itself(r)]
        return structs.replace(found, limiting=mode(broken) if broken else None)
    limiting, method = mode(c.metric for c in crossings), mode(c.method for c in crossings)
    estimates = [c.users for c in crossings]
    low, high = _interval(estimates)
    seen = _limiter_seen(results, limiting)
    return structs.replace(
        found,
        # Longer stages than those that did not show the limiter's rate might sustain less, but not more.
        capacity=None if seen is False else math.exp(float(np.mean(np.log(estimates)))),
        low=None if seen is False else low,
        high=high,
        estimates=estimates,
        limiting=limiting,
        method=method,
        cliff=method == "cliff",
        limiter_seen=seen,
    )


def first_crossing(holds: Sequence[HoldResult], criteria: Sequence[Criterion]) -> Crossing | None:
    """The criterion that is violated at the lowest load; None if none is."""
    found = [c for criterion in criteria if (c := _crossing(holds, criterion)) is not None]
    if (limited := let_pass(holds, min((c.allowed for c in criteria), default=0.0))) is not None:
        found.append(Crossing(_failing(holds), limited, "limiter"))
    if (saturated := saturation(holds)) is not None:
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
    behind = [h for h in behind if h.is_measured] or behind
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
    return any(r.limiter_per_s for r in limited) if limited and limiting in _OF_FAILURES else None


def _long_enough(results: Sequence[HoldResult]) -> Sequence[HoldResult]:
    """The stages at least as long as a rate limiter's window; shorter ones only show how much quota was left."""
    window = max((r.limiter_window_s or 0.0 for r in results if not r.held), default=0.0)
    longer = [r for r in results if r.seconds >= window]
    return longer if any(r.is_measured for r in longer) else results


def _believed(results: Sequence[HoldResult]) -> list[HoldResult]:
    """The stages without short ones that longer ones contradict: violated below a load that held, or vice versa."""
    measured = [r for r in results if r.is_measured]
    most_held = max((r.users for r in measured if r.held), default=0)
    least_broken = min((r.users for r in measured if not r.held), default=math.inf)
    return [
        r for r in results
        if r.is_measured or (r.users < least_broken if r.held else r.users > most_held)
    ]  # fmt: skip


def _repeats(results: Sequence[HoldResult]) -> list[list[HoldResult]]:
    """The stages of each repeat, with the short stages outside its range as anchors."""
    others = [r for r in results if not r.is_measured]
    repeats = []
    for name in dict.fromkeys(r.purpose for r in results if r.is_measured):
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
    usable.sort(key=lambda h: h.users)
    users = np.array([h.users for h in usable], dtype=np.float64)
    total = np.array([h.judged[criterion.metric] for h in usable], dtype=np.float64)
    shares = np.array([h.missed_share(criterion.metric) for h in usable])
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


def usl_knee(results: Sequence[HoldResult]) -> float | None:
    """Users at the highest throughput, by Gunther's Universal Scalability Law; None if the loads do not show it.

    X(N) = γN / (1 + σ(N − 1) + κN(N − 1)) is highest at N = √((1 − σ) / κ). That is not the capacity.
    """
    loads = np.array([r.users for r in results if r.ok], dtype=np.float64)
    rates = np.array([r.ok_per_s for r in results if r.ok])
    if len(np.unique(loads)) < FEWEST_LOADS or all(r.held for r in results):
        return None

    def law(n: np.ndarray, gamma: float, sigma: float, kappa: float) -> np.ndarray:
        return gamma * n / (1.0 + sigma * (n - 1.0) + kappa * n * (n - 1.0))

    from scipy.optimize import curve_fit  # noqa: PLC0415 - as above

    start = [float(np.max(rates / loads)), 0.01, 1e-5]
    try:
        (_, sigma, kappa), _ = curve_fit(law, loads, rates, p0=start, bounds=(0.0, [np.inf, 1.0, 1.0]), max_nfev=5000)
    except RuntimeError:  # the fit does not converge
        return None
    if kappa <= 0 or sigma >= 1:
        return None
    knee = math.sqrt((1.0 - sigma) / kappa)
    return knee if loads.min() <= knee <= loads.max() else None


def capacity_part(run: Run) -> dict[str, object]:
    """The part of `summary.json` on a capacity search: the capacity, its interval, what limited it, and all stages."""
    criteria = criteria_of(run.manifest)
    holds = holds_of(run.frame, run.manifest, criteria)
    limit = diagnose_limit(run, holds)
    found = estimate_capacity(holds, criteria)
    if run.manifest.is_open:
        found = _as_rates(found, run.manifest)
    upto = None if found.capacity is None else load(found, found.capacity)
    advice = stages_advice(run, holds, limit.cause, upto)
    told = structs.replace(found, limited_by=limit.cause, evidence=limit.evidence, advice=advice)
    return {"limited_by": limit.cause, "evidence": limit.evidence, "capacity": told}


def _as_rates(found: CapacityFound, manifest: Manifest) -> CapacityFound:
    """Convert a search over rates from users, as `measure_hold` counts them, to requests per second."""
    interval = manifest.interval_s or 1.0
    loads = {name: getattr(found, name) for name in ("capacity", "low", "high", "knee")}
    return structs.replace(
        found,
        **{name: None if users is None else users / interval for name, users in loads.items()},
        estimates=[users / interval for users in found.estimates],
        steps=[
            structs.replace(step, users=manifest.stage(step.stage).users, sustained=step.sustained / interval)
            for step in found.steps
        ],
        unit=REQUESTS_PER_S,
    )


def capacity_answer(found: CapacityFound) -> str:
    """`capacity 13.8 users (95 % interval 13 to 14.3), first violated service time, p95`."""
    if found.limiter_seen is False:
        below = f"; it is below {load(found, found.high)}" if found.high is not None else ""
        return f"capacity not determined: no hold lasted two windows of the rate limiter{below}"
    if found.capacity is None:
        return "capacity not found: even the lowest load violated the objective"
    if found.at_least:
        return f"capacity at least {load(found, found.capacity)}: the objective was met at every load"
    low, high = (or_dash(value, lambda end: figure(found, end)) for value in (found.low, found.high))
    first = f", first violated {criterion_text(found.limiting)}" if found.limiting else ""
    if found.limiting == KEEPS_UP:
        first = ", above which throughput falls below the offered load"
    return f"capacity {load(found, found.capacity)} (95 % interval {low} to {high}){first}"


def load(found: CapacityFound, value: float) -> str:
    """`120 users`, or `12.5 requests/s`."""
    return f"{significant(value)} requests/s" if found.at_rates else plural(round(value, 1), "user")


def figure(found: CapacityFound, value: float) -> str:
    """The same without the unit."""
    return significant(value) if found.at_rates else number(round(value, 1))
