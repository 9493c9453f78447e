"""A comparison that goes on until it is decided: its planned looks, and what each found.

Starts no runs; the caller does.
"""

from dataclasses import replace

from katydid.analysis.comparison.primaries import FAILURES
from katydid.model.documents.comparison import (
    SAME_LEVEL,
    CompareSettings,
    Comparison,
    LookedMetric,
    LookRecord,
    Verdict,
)
from katydid.stats.sequential import Look, looks

DECIDED = frozenset(Verdict) - {Verdict.CANNOT_TELL, Verdict.INVALID}


def planned_looks(settings: CompareSettings, most: int, *, with_history: bool) -> list[Look]:
    """Plan the looks and their levels, before the first run."""
    metrics = len({*settings.primary, FAILURES})
    return looks(most, with_history=with_history, metrics=metrics, different=settings.family_alpha, same=SAME_LEVEL)


def at_look(settings: CompareSettings, look: Look) -> CompareSettings:
    """The settings with the levels of this look."""
    return replace(settings, family_alpha=look.different, same_level=look.same)


def found_at(look: Look, comparison: Comparison) -> LookRecord:
    """The record of a look's result."""
    return LookRecord(
        pairs=look.pairs,
        level=look.different,
        level_same=look.same,
        verdict=comparison.verdict,
        metrics=[
            LookedMetric(name=m.name, change=m.change, low=m.low, high=m.high, p_value=m.p_value, verdict=m.verdict)
            for m in comparison.metrics
            if m.primary
        ],
    )
