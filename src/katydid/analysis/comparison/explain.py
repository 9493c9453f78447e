"""The reasons of a comparison in words: what is worse, what is better, and what it would take to tell."""

import math
from collections.abc import Sequence

from katydid.analysis.comparison.primaries import FAILURES
from katydid.analysis.comparison.sides import NOT_INTERLEAVED, Sides, todays
from katydid.analysis.comparison.verdicts import Judged, undecided_failures
from katydid.model.documents.comparison import ComparedMetric, CompareSettings, Verdict
from katydid.model.formatting import change_text, fraction, plural
from katydid.model.metrics.declared import described
from katydid.model.units import Unit
from katydid.stats.inference import UNSEEN

WORSE, BETTER, LARGEST = "worse", "better", "largest regression"
"""First words of the reasons that report changes."""


def largest_regression(metrics: Sequence[Judged]) -> Judged | None:
    """The metric with the largest significant regression, exploratory ones included; None if there is none."""
    worse = [metric for metric in metrics if metric.verdict is Verdict.SLOWER]
    return max(worse, key=_size, default=None)


def _size(metric: Judged) -> float:
    """The size of a change: its log ratio; for shares the difference, because a ratio to almost 0 says little."""
    if metric.metric.unit is Unit.FRACTION:
        return abs((metric.new or 0.0) - (metric.base or 0.0))
    return abs(metric.difference.log_ratio) if metric.difference else 0.0


def because(
    verdict: Verdict, metrics: Sequence[Judged], rows: Sequence[ComparedMetric], settings: CompareSettings
) -> list[str]:
    """Say what is worse and what is better; or why the comparison cannot tell, and what it would take.

    The rows are of the same metrics, in the same order.
    """
    texts = []
    for word, kind in ((WORSE, Verdict.SLOWER), (BETTER, Verdict.FASTER)):
        if found := [_change(row) for row in rows if row.primary and row.verdict is kind]:
            texts.append(f"{word}: {'; '.join(found)}")
    if any(row.name == FAILURES and row.verdict is Verdict.SLOWER for row in rows):
        texts.append("the new version fails more often; its times are only those of requests that succeeded")
    worst = largest_regression(metrics)
    if worst is not None and not worst.primary:
        texts.append(f"{LARGEST}: {_change(next(row for row in rows if row.name == worst.name))}")
    if verdict is Verdict.CANNOT_TELL:
        ignored = FAILURES if not undecided_failures(metrics) else ""
        for metric, row in zip(metrics, rows, strict=True):
            undecided = row.primary and row.verdict is Verdict.CANNOT_TELL and row.reason != NOT_INTERLEAVED
            if undecided and row.name != ignored:
                texts.append(_undecided(metric, row, settings))
    return texts


def about_noise(metrics: Sequence[Judged], sides: Sides) -> list[str]:
    """Say if the noise is unknown, assumed, or larger than the history's."""
    if any(metric.reason == NOT_INTERLEAVED for metric in metrics):
        confused = "a change of the machine between the two sides would look like a change of the version"
        return [f"{NOT_INTERLEAVED}: {confused}; make the runs interleaved (katydid ab)"]
    if not sides.interleaved:
        return []
    today = todays(sides, [metric.name for metric in metrics if metric.primary])
    noisier = max(today.both, today.base, today.new)
    if noisier > 1.0:
        times = f"{noisier**0.5:.2g} times" if math.isfinite(noisier) else "far"
        return [
            f"today's runs scatter {times} as much as the history's, so the history's noise is scaled up to today's"
        ]
    single = len(sides.base) == len(sides.new) == 1
    if single and sides.history:
        assumed = f"Katydid assumes {UNSEEN:g} times the history's"
        return [f"with one run per side, today's noise is unknown: {assumed}; make two runs per side (katydid ab)"]
    return []


def _change(row: ComparedMetric) -> str:
    return f"{described(row).label} {change_text(row)}"


def _undecided(metric: Judged, row: ComparedMetric, settings: CompareSettings) -> str:
    label, needed = metric.metric.label, _runs(metric, row.runs_needed)
    if metric.reason:
        return f"{label}: {metric.reason}"
    if metric.rates is not None:
        return f"{label}: {change_text(row)} is within the noise, but may be large enough to matter; make {needed}"
    if metric.noise is None:
        return f"{label}: with one run per side and no history, the noise is unknown; make {needed}"
    within = fraction(settings.same_within)
    return f"{label}: these runs neither show nor rule out a change of {within}; make {needed}"


def _runs(metric: Judged, needed: int | None) -> str:
    if needed is None:
        return "the machines quieter: no reasonable number of runs would show it"
    assumed = " if the noise is the usual 4 %" if metric.noise is None and metric.rates is None else ""
    return f"about {plural(needed, 'run')} per side, interleaved{assumed}"
