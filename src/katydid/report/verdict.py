"""A comparison's verdict in words: its sentence and reasons, and the changes that its forest plot shows."""

import math
from collections.abc import Sequence

from katydid.analysis.comparison.explain import BETTER, LARGEST, WORSE
from katydid.model.documents.comparison import ComparedMetric, Comparison, Verdict
from katydid.model.formatting import change_text, format_change, fraction, number, percent
from katydid.model.metrics import DISTRIBUTIONS, split_name, whole_name
from katydid.model.metrics.declared import described
from katydid.model.metrics.rates import USERS_AT_STOP
from katydid.model.units import Unit
from katydid.report.model import Style
from katydid.report.render.forest import Change

LONGEST_NAME = 32
"""Characters of a version's name in a heading."""

_HOLDS = {Verdict.FASTER: "holds more users", Verdict.SLOWER: "holds fewer users"}
_FAILS = {Verdict.FASTER: "fails less often", Verdict.SLOWER: "fails more often"}
_STYLES = {
    Verdict.SLOWER: Style.BAD,
    Verdict.CANNOT_TELL: Style.QUIET,
    Verdict.FASTER: Style.MAIN,
    Verdict.NO_DIFFERENCE: Style.THIRD,
}
"""The worst first."""
_MINOR = frozenset(d.name for d in DISTRIBUTIONS if not d.primary)
_WORST_FIRST = tuple(_STYLES)


def names(comparison: Comparison) -> tuple[str, str]:
    """The names of the two sides: their versions, made distinct if they are equal."""
    whole = ("+".join(side.versions) for side in comparison.sides)
    base, new = (name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…" for name in whole)
    return (base, new) if base != new else (f"{base} (base)", f"{new} (new)")


def headline(verdict: Verdict) -> str:
    """The verdict in capitals, such as `NO DIFFERENCE`."""
    return verdict.replace("_", " ").upper()


def comparison_sentence(comparison: Comparison) -> str:
    """The verdict in one sentence."""
    base, new = names(comparison)
    verdict = comparison.verdict
    head = headline(verdict)
    if verdict is Verdict.INVALID:
        return f"{head}. {new} cannot be compared with {base}: {comparison.reasons[0]}."
    primary = [m for m in comparison.metrics if m.primary]
    regression = exploratory_regression(comparison)
    but = f"; but {_in_words([regression])} is worse" if regression else ""
    if verdict is Verdict.NO_DIFFERENCE:
        within = fraction(comparison.settings.same_within)
        if regression:
            return f"{head} beyond {within} in the primary metrics between {new} and {base}{but}."
        return f"{head} beyond {within} between {new} and {base}: {_largest(primary)}."
    if verdict is Verdict.CANNOT_TELL:
        undecided = [m for m in primary if m.verdict is Verdict.CANNOT_TELL]
        return f"{head} whether {new} differs from {base}: {_in_words(undecided or primary)}{but}."
    worse, better = ([m for m in primary if m.verdict is kind] for kind in (Verdict.SLOWER, Verdict.FASTER))
    if verdict is Verdict.FASTER:
        return f"{head}. {new} {_is(verdict, better)} than {base}: {_in_words(better)}{but}."
    also = f"; better: {_in_words(better)}" if better else ""
    more = f"; largest regression: {_in_words([regression])}" if regression else ""
    return f"{head}. {new} {_is(Verdict.SLOWER, worse)} than {base}: {_in_words(worse)}{also}{more}."


def reasons(comparison: Comparison) -> list[str]:
    """The comparison's reasons without those that repeat the sentence."""
    said = tuple(f"{word}: " for word in (WORSE, BETTER, LARGEST))
    found = comparison.reasons[1:] if comparison.verdict is Verdict.INVALID else comparison.reasons
    return [reason for reason in found if not reason.startswith(said)]


def exploratory_regression(comparison: Comparison) -> ComparedMetric | None:
    """The largest regression if it is not a primary metric; else None."""
    name = comparison.largest_regression
    return next((m for m in comparison.metrics if m.name == name and not m.primary), None)


def _is(said: Verdict, metrics: Sequence[ComparedMetric]) -> str:
    """The predicate of the verdict: `is slower`, `fails more often`, or both."""
    names = [m.name for m in metrics]
    if names == [USERS_AT_STOP]:
        return _HOLDS[said]
    parts = [f"is {said}"] if names != ["failure_rate"] else []
    return " and ".join([*parts, *([_FAILS[said]] if "failure_rate" in names else [])])


def _in_words(metrics: Sequence[ComparedMetric]) -> str:
    return "; ".join(
        users_text(m) if m.name == USERS_AT_STOP else f"{described(m).label.lower()} {change_text(m)}" for m in metrics
    )


def users_text(metric: ComparedMetric) -> str:
    """The change of users held: `+5 % users (+3 to +7), 243 and 255 at the stop`, or `at least +106 % users`."""
    change, low, high = format_change(metric, percent)
    if change is None or metric.base is None or metric.new is None:
        return metric.reason or "unknown"
    if metric.bound:
        return f"{change} users"
    ends = [end.removesuffix("\u00a0%") for end in (low, high) if end is not None]
    within = f" ({' to '.join(ends)})" if len(ends) == 2 else ""
    return f"{change} users{within}, {number(round(metric.base))} and {number(round(metric.new))} at the stop"


def _largest(metrics: Sequence[ComparedMetric]) -> str:
    """Metrics that hardly changed: all if there are at most two, else the one that changed most."""
    if len(metrics) <= 2:
        return _in_words(metrics)
    most = max(metrics, key=lambda m: abs(m.change or 0.0) if m.points is None else abs(m.points.change or 0.0) / 100.0)
    return f"the largest change of {len(metrics)} primary metrics: {_in_words([most])}"


def ordered(comparison: Comparison) -> list[ComparedMetric]:
    """All metrics: primary metrics first, and within both groups the worst verdict first."""
    return sorted(comparison.metrics, key=lambda m: (not m.primary, _WORST_FIRST.index(m.verdict)))


def read_first(comparison: Comparison) -> list[ComparedMetric]:
    """The metrics of the short table, in the same order."""
    return [m for m in ordered(comparison) if _comes_first(m)]


def forest(comparison: Comparison) -> list[Change]:
    """The rows of the forest plot: the times of the short table whose change is known."""
    return [
        Change(
            described(m).label,
            change_text(m),
            _STYLES[m.verdict],
            m.change,
            low=-1.0 if m.bound == "upper" else m.low,  # the interval of a bound is open on one side
            high=math.inf if m.bound == "lower" else m.high,
        )
        for m in read_first(comparison)
        if m.change is not None and described(m).unit is Unit.MS
    ]


def _comes_first(metric: ComparedMetric) -> bool:
    distribution, statistic = split_name(whole_name(metric.name))
    return metric.primary or not statistic or (distribution not in _MINOR and statistic in {"p50", "p95"})
