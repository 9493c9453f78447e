"""A comparison that goes on until it is decided: its looks, and what each found.

Knows no command and no process: whoever makes the runs asks what to do next.
"""

from dataclasses import replace
from typing import Any

from katydid.analysis.comparison.primaries import FAILURES
from katydid.analysis.comparison.verdicts import SAME_LEVEL, CompareSettings
from katydid.stats.sequential import FEWEST, FEWEST_ALONE, Look, looks

DECIDED = frozenset({"faster", "slower", "mixed", "no_difference"})
SPENT_ON_SAME = SAME_LEVEL
"""Chance that versions that differ by the limit are called the same at any look, in one metric."""


def planned_looks(settings: CompareSettings, most: int, *, with_history: bool) -> list[Look]:
    """The looks, and the level of each, before the first run."""
    metrics = len({*settings.primary, FAILURES})
    return looks(most, with_history=with_history, metrics=metrics, different=settings.family_alpha, same=SPENT_ON_SAME)


def first_look(*, with_history: bool) -> int:
    """Pairs before the first."""
    return FEWEST if with_history else FEWEST_ALONE


def at_look(settings: CompareSettings, look: Look) -> CompareSettings:
    """What a comparison looks for at a look."""
    return replace(settings, family_alpha=look.different, same_level=look.same)


def found_at(look: Look, comparison: dict[str, Any]) -> dict[str, Any]:
    """A look's entry in `ab --json`."""
    return {
        "pairs": look.pairs,
        "level": look.different,
        "level_same": look.same,
        "verdict": comparison["verdict"],
        "metrics": [
            {key: row[key] for key in ("name", "change", "low", "high", "p_value", "verdict")}
            for row in comparison["metrics"]
            if row["primary"]
        ],
    }
