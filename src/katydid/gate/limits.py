"""A limit of a thresholds file, such as `< 1.5s`, `>= 20/s` or `<= 1%`. Knows units, but no values and no files."""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from katydid.model.errors import ConfigError
from katydid.model.options.quantities import exact_duration
from katydid.model.units import Unit

_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

_SCALES: dict[Unit, dict[str, Decimal]] = {
    Unit.MS: {},
    Unit.FRACTION: {"%": Decimal("0.01")},
    Unit.PER_SECOND: {"/s": Decimal(1)},
    Unit.TOKENS_PER_SECOND: {"/s": Decimal(1), "tok/s": Decimal(1)},
    Unit.RATIO: {"": Decimal(1), "×": Decimal(1), "x": Decimal(1)},
    Unit.COUNT: {"": Decimal(1)},
}
"""Allowed units after a number, and their factor to the unit of `summary.json`. Times are written as durations."""

ASKED = {
    Unit.MS: ("time", "< 1.5s or < 200ms"),
    Unit.FRACTION: ("percent", "< 1%"),
    Unit.PER_SECOND: ("events per second", "> 20/s"),
    Unit.TOKENS_PER_SECOND: ("tokens per second", "> 20 tok/s"),
    Unit.RATIO: ("a plain ratio", "< 0.8"),
    Unit.COUNT: ("a plain number", "< 10"),
}
"""For each unit, its name in messages and an example of a limit."""
_LIMIT = re.compile(r"\s*(?P<operator><=|>=|<|>)\s*(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[^\s\d]*)\s*", re.ASCII)
_TIME = re.compile(r"\s*(?P<operator><=|>=|<|>)\s*(?P<time>[\d.]+\s*[^\s\d].*)", re.DOTALL)
_PERCENT = re.compile(r"\s*(?P<number>\d+(?:\.\d+)?)\s*%\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit on a metric.

    Attributes:
        operator: `<`, `<=`, `>` or `>=`.
        value: the limit in the unit of `summary.json`: milliseconds, a fraction, or per second.
        text: the limit as written in the file.
    """

    operator: str
    value: float
    text: str

    @property
    def is_upper(self) -> bool:
        """Whether this is an upper limit."""
        return self.operator.startswith("<")

    @property
    def is_strict(self) -> bool:
        """True if a value equal to the limit violates it."""
        return not self.operator.endswith("=")

    def keeps(self, value: float) -> bool:
        """Whether a value is within the limit; NaN never is."""
        return _OPERATORS[self.operator](value, self.value)


def read_limit(text: object, unit: Unit) -> Limit:
    """Parse a limit of a thresholds file.

    Raises:
        ConfigError: the text is not a limit in this unit, or no value could meet or violate it. The message names no
            file.
    """
    scales, (measured, example) = _SCALES[unit], ASKED[unit]
    if not isinstance(text, str):
        raise ConfigError(
            f'{text!r} is an invalid limit: write a comparison, a number and a unit in quotes, such as "{example}"'
        )
    time = _TIME.fullmatch(text) if unit is Unit.MS else None
    if time is not None and (seconds := exact_duration(time["time"])) is not None:
        limit = Limit(time["operator"], float(seconds * 1000), text.strip())
        _check_possible(limit, unit)
        return limit
    found = _LIMIT.fullmatch(text)
    if found is None:
        raise ConfigError(
            f'"{text}" is an invalid limit: write <, <=, > or >=, a number and a unit, such as "{example}"'
        )
    if found["unit"] not in scales:
        given = f'the unit "{found["unit"]}"' if found["unit"] else "no unit"
        raise ConfigError(f'"{text}" has {given}, but the metric is measured in {measured}: write it as in "{example}"')
    # Decimal, so that 2.9 % is the same float as 29 of 1000.
    value = float(Decimal(found["number"]) * scales[found["unit"]])
    limit = Limit(found["operator"], value, text.strip())
    _check_possible(limit, unit)
    return limit


def _check_possible(limit: Limit, unit: Unit) -> None:
    """Reject a limit that no value can meet, or that no value can violate: it must be a typing error."""
    most = 1.0 if unit is Unit.FRACTION else float("inf")
    kept = [limit.keeps(value) for value in (0.0, most)]
    if not any(kept):
        raise ConfigError(f'"{limit.text}" can never be met: choose another number')
    if all(kept):
        raise ConfigError(f'"{limit.text}" can never be violated: choose another number')


def read_percent(text: object) -> float:
    """Parse a percentage such as `5%` into a fraction.

    Raises:
        ConfigError: the text is not a percentage.
    """
    found = _PERCENT.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        given = f'"{text}"' if isinstance(text, str) else repr(text)
        raise ConfigError(f'{given} is not a percentage: write it in quotes, such as "5%"')
    return float(Decimal(found["number"]) / 100)
