"""Compare versions by the number of users at which the failure threshold stopped them.

Users at the stop are an index, not the capacity: failures arrive a timeout late, while the ramp goes on. It is
compared only between runs with the same ramp, timeouts and threshold. A run that was not stopped held at least all of
its users, a lower bound. Without a ramp, all users were there at the first failure, so their number says nothing. Sides
that were not interleaved are judged by how much earlier days differ, or not at all.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from msgspec.structs import replace as changed

from katydid.analysis.comparison.bounds import Bound
from katydid.analysis.comparison.comparability import same_ramp
from katydid.analysis.comparison.estimates import RunData
from katydid.analysis.comparison.sides import NOT_INTERLEAVED
from katydid.analysis.comparison.verdicts import ASSUMED_SD, Judged, verdict_on
from katydid.analysis.derived import was_stopped
from katydid.model.documents.comparison import SAME_LEVEL, ComparedMetric, CompareSettings, Verdict
from katydid.model.formatting import number, percent, plural
from katydid.model.metrics.rates import AT_STOP, USERS_AT_STOP
from katydid.stats import inference
from katydid.stats.inference import Design, Difference, Noise, Values

LEAST_CHANGE = 0.01
"""The smallest change of the number of users that matters: a ramp resolves small changes, and capacity costs money."""
RESOLUTION = 1.0 / math.sqrt(12.0)
"""Standard deviation from rounding to a whole number of users: equal runs cannot make the result more exact."""

Runs = Sequence[RunData]


@dataclass(frozen=True)
class Stops:
    """The comparison of two sides by their stops.

    Attributes:
        reasons: sentences for the reader.
        rows: metrics of the stops, users first; empty if they are not comparable.
        verdict: on the users at the stop.
        decide: the users at the stop decide the comparison.
    """

    reasons: list[str] = field(default_factory=list)
    rows: list[ComparedMetric] = field(default_factory=list)
    verdict: Verdict = Verdict.CANNOT_TELL
    decide: bool = False


def compare_stops(
    base: Runs, new: Runs, settings: CompareSettings, *, interleaved: bool, days: Sequence[Runs] = ()
) -> Stops:
    """Compare two sides, of at least one run each, by their stops.

    If they were not interleaved, but made on different days, `days` are earlier runs by day.
    """
    base, new = (sorted(side, key=lambda run: str(run.manifest.started_utc or "")) for side in (base, new))
    ended = [[was_stopped(run.manifest) for run in side] for side in (base, new)]
    if not any(map(any, ended)):
        return Stops()
    stopped = f"{sum(ended[0])} of {plural(len(base), 'run')} of BASE and {sum(ended[1])} of {len(new)} of NEW"
    both = all(map(all, ended))
    who = "both" if both else stopped
    if not same_ramp([run.manifest for run in (*base, *new)]):
        return Stops([f"the failure threshold stopped {who}, on different ramps: their stops are not comparable"])
    users = [[_users(run) for run in side] for side in (base, new)]
    if not all(_in_a_ramp(run) for run in (*base, *new)) or not all(map(all, users)):
        told = "all users started at once, so their number at the stop says nothing; start them one by one with --ramp"
        worth = (
            "" if both else "; times are from before the stop, and a version that was stopped did not hold this load"
        )
        return Stops([f"the failure threshold stopped {who}: {told}{worth}"])
    if not both and not any(map(all, ended)):
        return Stops([f"the failure threshold stopped {stopped}: both held at least all users; use more of them"])
    apart = None if interleaved else [_same_stops(day, base[0]) for day in days]
    if not both:
        return _bounded(users, ended, settings, apart)
    rows = [_row(name, base, new, settings, apart) for name in AT_STOP]
    told = f"the failure threshold stopped both: {_told(rows)}: {_caveat(rows[0], base, new)}"
    return Stops([told], rows, rows[0].verdict, decide=True)


def _users(run: RunData) -> float:
    """The number of users that a run held, at least; 0 if unknown."""
    if was_stopped(run.manifest):
        return float(run.summary.metrics.get(USERS_AT_STOP) or 0.0)
    return float(run.manifest.users or 0.0)


def _in_a_ramp(run: RunData) -> bool:
    """Return True if the users came in a ramp, or if the run is so old that its manifest does not say."""
    return "ramp_per_s" not in run.manifest or bool(run.manifest.ramp_per_s)


def _same_stops(day: Runs, like: RunData) -> list[RunData]:
    """The day's runs that were stopped on the same ramp."""
    return [run for run in day if was_stopped(run.manifest) and same_ramp([run.manifest, like.manifest])]


def _logs(runs: Runs, name: str) -> list[float]:
    """Logs of a metric of the stops, for the runs that have it."""
    return [math.log(value) for run in runs if (value := run.summary.metrics.get(name))]


# Both were stopped


def _row(name: str, base: Runs, new: Runs, settings: CompareSettings, apart: Sequence[Runs] | None) -> ComparedMetric:
    """The row of a metric of the stops; `apart` are earlier days, or None if the sides were interleaved."""
    ours, theirs = _logs(base, name), _logs(new, name)
    metric = Judged(name, primary=name == USERS_AT_STOP, reason="a run lacks it")
    if len(ours) < len(base) or len(theirs) < len(new):
        return metric.row(settings, 1)
    means = math.exp(sum(ours) / len(ours)), math.exp(sum(theirs) / len(theirs))
    difference = _difference(name, ours, theirs, apart)
    reason = NOT_INTERLEAVED if difference is None and apart is not None else ""
    metric = replace(metric, base=means[0], new=means[1], difference=difference, reason=reason)
    limits = replace(settings, min_change=LEAST_CHANGE, same_level=SAME_LEVEL)
    metric = replace(metric, verdict=verdict_on(metric, difference.p_value if difference else 1.0, limits))
    change, needed = abs(math.log(means[1] / means[0])), None
    if metric.verdict is Verdict.CANNOT_TELL and change:
        noise = inference.noise_of([ours, theirs]) or Noise(ASSUMED_SD**2, 0)
        needed = inference.runs_needed(change, noise, settings.family_alpha, runs=len(base) + len(new))
    return _rounded(metric, settings, needed)


def _rounded(metric: Judged, settings: CompareSettings, runs_needed: int | None = None) -> ComparedMetric:
    """The row of a metric that both sides have; more is better for every metric of a stop."""
    base, new, p = metric.base or 0.0, metric.new or 0.0, metric.difference.p_value if metric.difference else 1.0
    row = replace(metric, p_value=p).row(settings, 1)
    return changed(row, base=round(base, 6), new=round(new, 6), change=new / base - 1.0, runs_needed=runs_needed)


def _difference(name: str, ours: Values, theirs: Values, apart: Sequence[Runs] | None) -> Difference | None:
    """The difference of a metric's logs, with at least the standard error of whole numbers."""
    if apart is None:
        difference = inference.compare_values(ours, theirs, interleaved=True)
    else:
        difference = inference.compare_days(ours, theirs, [], [logs for day in apart if (logs := _logs(day, name))])
    if difference is None or name == "time_to_stop":
        return difference
    parts = (math.exp(-2.0 * sum(logs) / len(logs)) / len(logs) for logs in (ours, theirs))
    return replace(difference, se=max(difference.se, RESOLUTION * math.sqrt(sum(parts))))


def _told(rows: Sequence[ComparedMetric]) -> str:
    """The metrics in words, the most important first."""
    words = {USERS_AT_STOP: ("user", "users"), "in_flight_at_stop": ("in flight",) * 2,
             "requests_at_stop": ("request", "requests")}  # fmt: skip
    return ", ".join(
        f"{plural(round(row.base), *words[row.name])} and {number(round(row.new))} ({percent(row.change)})"
        for row in rows
        if row.name in words and row.base and row.new and row.change is not None
    )


def _caveat(users: ComparedMetric, base: Runs, new: Runs) -> str:
    if len(base) > 1 or len(new) > 1:
        return "an index of capacity, not the capacity; katydid capacity measures that"
    needed = users.runs_needed
    make = f"make about {needed} of each" if needed else "make five of each"
    return f"one run each cannot tell; {make}, interleaved (scripts/compare_versions.sh), or run katydid capacity"


# One was not


def _bounded(
    users: Sequence[Sequence[float]],
    ended: Sequence[Sequence[bool]],
    settings: CompareSettings,
    apart: Sequence[Runs] | None,
) -> Stops:
    """One side was stopped in every run; the other was not, and held at least its users; `apart` as in `_row`."""
    lower = all(ended[0])
    known, bound = users if lower else users[::-1]
    logs = [[math.log(value) for value in side] for side in users]
    ours, theirs = (sum(side) / len(side) for side in logs)
    difference: Difference | None
    if apart is None:
        noise = inference.noise_of([logs[not lower]]) or Noise(ASSUMED_SD**2, 1_000_000)
        error = max(math.sqrt(noise.variance), RESOLUTION / min(known)) / math.sqrt(len(known))
        difference = Difference(theirs - ours, error, noise.df, Design.RUNS)
    else:
        difference = _difference(USERS_AT_STOP, logs[0], logs[1], apart)
    points_out = (theirs > ours) == lower and theirs != ours
    far = points_out and difference is not None and difference.p_value < settings.family_alpha
    verdict = Verdict.CANNOT_TELL if not far else Verdict.FASTER if lower else Verdict.SLOWER
    means = math.exp(ours), math.exp(theirs)
    metric = Judged(
        USERS_AT_STOP,
        primary=far,
        base=means[0],
        new=means[1],
        difference=difference,
        verdict=verdict,
        bound=Bound.LOWER if lower else Bound.UPPER,
        reason="" if difference is not None else NOT_INTERLEAVED,
    )
    at, held, names = means[not lower], max(bound), ("BASE", "NEW") if lower else ("NEW", "BASE")
    some = f" ({sum(ended[lower])} of its {plural(len(ended[lower]), 'run')} stopped)" if any(ended[lower]) else ""
    least = f"at least {percent(means[1] / means[0] - 1.0)} users"
    stopped_at = plural(round(at), "user")
    told = f"the failure threshold stopped {names[0]} at {stopped_at}; {names[1]} held all {held:.0f}{some}: {least}"
    remedy = "use more users" if difference is not None else "make the runs interleaved (katydid ab)"
    return Stops(
        [told if far else f"{told}; {remedy} to tell them apart"], [_rounded(metric, settings)], verdict, decide=far
    )
