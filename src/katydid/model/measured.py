"""A metric's value as the gate, the reports and the history take it: time-outs and cut-off requests counted.

They took at least the time they had, so the value may be a lower bound. Knows the keys of `summary.json`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Measured:
    """A metric's value in one run, in the unit of `summary.json`.

    Attributes:
        at_least: it is a lower bound.
    """

    value: float
    at_least: bool = False


def measured(summary: Mapping[str, Any], metric: str) -> Measured | None:
    """A run's value of a metric; None where it has none.

    Args:
        summary: the content of `summary.json`; older ones know no `censored`.
        metric: its flat name.
    """
    found = summary.get("censored", {}).get("metrics", {}).get(metric)
    if found is not None:
        return Measured(float(found["value"]), bool(found["at_least"]))
    value = summary.get("metrics", {}).get(metric)
    return None if value is None or math.isnan(value) else Measured(float(value))
