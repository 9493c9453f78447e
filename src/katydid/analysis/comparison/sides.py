"""The runs of a comparison as numbers: both sides, the history, and how noisy today is compared with it.

Knows no verdicts.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np

from katydid.analysis.comparison.estimates import Estimates
from katydid.analysis.comparison.primaries import FAILURES
from katydid.model.metrics.declared import SHIPPED, Catalogue
from katydid.model.units import Unit
from katydid.stats.noise import AS_EVER, Today, todays_noise

Series = Sequence[tuple[Estimates, Estimates]]
"""Pairs of runs of two versions, made side by side in one session."""
NOT_INTERLEAVED = "the runs were not interleaved, and the history has too few days to show how much days differ"


@dataclass(frozen=True)
class Sides:
    """The runs that are compared, as numbers.

    Attributes:
        history: earlier runs, a sequence per version.
        interleaved: the i-th runs of both sides were made side by side; else the sides differ by their days too.
        within: the standard error of a metric's log from within the runs, for when the noise is otherwise unknown.
        catalogue: the metrics that these runs may have.
        days: earlier runs, a sequence per day.
        pairs: earlier runs that were interleaved with each other.
        errors: standard errors, by metric, that all runs of a side share, so that their scatter does not show them.
    """

    base: Sequence[Estimates]
    new: Sequence[Estimates]
    history: Sequence[Sequence[Estimates]]
    interleaved: bool
    within: Callable[[str], float | None]
    catalogue: Catalogue = SHIPPED
    days: Sequence[Sequence[Estimates]] = ()
    pairs: Sequence[Series] = ()
    errors: Mapping[str, float] = field(default_factory=dict)

    def changed(self, change: Callable[[Estimates], Estimates]) -> "Sides":
        """A copy in which `change` replaces every run; it is called once per run."""
        one = cache(change)
        return replace(
            self,
            base=[one(run) for run in self.base],
            new=[one(run) for run in self.new],
            history=[[one(run) for run in version] for version in self.history],
            days=[[one(run) for run in day] for day in self.days],
            pairs=[[(one(a), one(b)) for a, b in series] for series in self.pairs],
        )


def todays(sides: Sides, primary: Sequence[str]) -> Today:
    """How noisy the runs of both sides are compared with the history, by the primary times."""
    names = _telling(sides, primary)
    history = [found for version in sides.history if len(found := _logs(version, names))] if names else []
    return todays_noise(_logs(sides.base, names), _logs(sides.new, names), history) if history else AS_EVER


def todays_pairs(sides: Sides, primary: Sequence[str]) -> Today:
    """How noisy the differences of today's pairs are compared with earlier pairs, by the primary times."""
    names = _telling(sides, primary)
    if not (names and sides.pairs and sides.interleaved):
        return AS_EVER
    earlier = [found for series in sides.pairs if len(found := _differences(series, names))]
    ours = _differences(list(zip(sides.base, sides.new, strict=True)), names)
    return todays_noise(ours, ours[:0], earlier) if earlier else AS_EVER


def _telling(sides: Sides, primary: Sequence[str]) -> list[str]:
    """Primary times that all runs of both sides have."""
    known = sides.catalogue.metrics
    times = [n for n in primary if n != FAILURES and n in known and known[n].unit is not Unit.FRACTION]
    return [name for name in times if all(run.values.get(name, 0.0) > 0.0 for run in (*sides.base, *sides.new))]


def _logs(runs: Sequence[Estimates], names: Sequence[str]) -> np.ndarray:
    """Logs of the metrics: a row per run that has all of them, a column per metric."""
    whole = [run for run in runs if _is_whole(run, names)]
    return np.log([[run.values[name] for name in names] for run in whole]).reshape(len(whole), len(names))


def _differences(series: Series, names: Sequence[str]) -> np.ndarray:
    """Differences of the logs, new less base: a row per pair that has all metrics, a column per metric."""
    whole = [pair for pair in series if all(_is_whole(run, names) for run in pair)]
    base, new = (_logs([pair[side] for pair in whole], names) for side in (0, 1))
    differences: np.ndarray = new - base
    return differences


def _is_whole(run: Estimates, names: Sequence[str]) -> bool:
    return all(run.values.get(name, 0.0) > 0.0 for name in names)


def with_successes(sides: Sides) -> Sides:
    """The sides without runs in which no request succeeded; if interleaved, without their partners too.

    Such runs have a failure rate, but no times.
    """
    base, new = ([run for run in side if run.ok] for side in (sides.base, sides.new))
    if (len(base), len(new)) == (len(sides.base), len(sides.new)):
        return sides
    if not sides.interleaved:
        return replace(sides, base=base, new=new)
    pairs = [pair for pair in zip(sides.base, sides.new, strict=True) if pair[0].ok and pair[1].ok]
    return replace(sides, base=[pair[0] for pair in pairs], new=[pair[1] for pair in pairs])
