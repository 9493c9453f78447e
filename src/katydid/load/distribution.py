"""Distributions as people write them, and their quantiles. Pure.

    2                    always the same
    normal(10,2)         mean and standard deviation
    lognormal(10,8)      mean and standard deviation of the values themselves, not of their logarithms
    uniform(1,30)        smallest and largest

A `Grammar` defines the quantity (tokens, turns, seconds) and how one number of it is written.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

from katydid.model.options.quantities import QuantityError, quoted

_STANDARD = NormalDist()
_SPEC = re.compile(r"([a-z]+)\(([^()]*)\)")
_KINDS = ("normal", "lognormal", "uniform")
_LARGEST_EXPONENT = 700.0
"""The largest exponent of e whose result fits a float."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """A distribution of any quantity.

    Attributes:
        kind: `fixed`, `normal`, `lognormal` or `uniform`.
        first, second: mean and standard deviation; for `uniform`, smallest and largest; for `fixed`, the value twice.
    """

    kind: str
    first: float
    second: float

    @property
    def mean(self) -> float:
        """The mean, before values are clamped to a range."""
        return (self.first + self.second) / 2 if self.kind == "uniform" else self.first

    def quantile(self, share: float) -> float:
        """Return the quantile at `share`, which is between 0 and 1, exclusive."""
        if self.kind == "fixed":
            return self.first
        if self.kind == "uniform":
            return self.first + share * (self.second - self.first)
        if self.kind == "normal":
            return self.first + self.second * _STANDARD.inv_cdf(share)
        variance = math.log1p((self.second / self.first) ** 2)
        exponent = math.log(self.first) - variance / 2 + math.sqrt(variance) * _STANDARD.inv_cdf(share)
        return math.exp(min(exponent, _LARGEST_EXPONENT))


@dataclass(frozen=True, slots=True, kw_only=True)
class Grammar:
    """How distributions of one quantity are written.

    Attributes:
        what: the quantity with its article, for messages.
        examples: a number, and one of each of the three distributions.
        number: parses one number; raises ValueError.
        show: formats one number.
        least, most: the valid range of a number.
        unit: unit of the range in messages.
        whole: True if only whole numbers are valid.
    """

    what: str
    examples: tuple[str, str, str, str]
    number: Callable[[str], float]
    show: Callable[[float], str]
    least: float
    most: float
    unit: str = ""
    whole: bool = False

    def read(self, text: str) -> Distribution:
        """Parse a distribution.

        Raises:
            QuantityError: the text is not a distribution, or its parameters are invalid.
        """
        plain = "".join(text.lower().split())
        found = _SPEC.fullmatch(plain)
        if found is None or found[1] not in _KINDS:
            return Distribution("fixed", *self._within(text, [self._one(text, plain)] * 2))
        try:
            first, second = map(self.number, found[2].split(","))
        except ValueError:
            example = next(each for each in self.examples if each.startswith(f"{found[1]}("))
            raise QuantityError(f"{quoted(text)} needs two numbers, such as {example}") from None
        if found[1] == "uniform":
            self._within(text, [first, second])
            if first > second or (self.whole and not (first.is_integer() and second.is_integer())):
                numbers = "two whole numbers" if self.whole else "two numbers"
                raise QuantityError(f"{quoted(text)} needs {numbers}, the smaller one first")
        else:
            self._within(text, [first])
            if not 0 <= second <= 10 * first:
                raise QuantityError(f"{quoted(text)} needs a standard deviation from 0 to ten times the mean")
            if found[1] == "normal" and second > first:
                below = self.show(self.least)
                raise QuantityError(f"{quoted(text)} would often be below {below}: use lognormal for so wide a spread")
            if found[1] == "lognormal" and not first:
                raise QuantityError(f"{quoted(text)} needs a mean above 0")
        return Distribution(found[1], first, second)

    def write(self, found: Distribution) -> str:
        """Format a distribution as `read` parses it."""
        if found.kind == "fixed":
            return self.show(found.first)
        return f"{found.kind}({self.show(found.first)},{self.show(found.second)})"

    def spelled(self, text: str | float) -> str:
        """Check a distribution and return its canonical spelling; used as the `kind` of an option.

        Raises:
            QuantityError: see `read`.
        """
        return self.write(self.read(str(text)))

    def _one(self, text: str, plain: str) -> float:
        digits = plain.isascii() and plain.isdecimal()
        try:
            value = self.number(plain) if digits or not self.whole else None
        except ValueError:
            value = None
        if value is None:
            *others, last = self.examples
            raise QuantityError(f"{quoted(text)} is not {self.what} such as {', '.join(others)} or {last}")
        return value

    def _within(self, text: str, values: list[float]) -> list[float]:
        """Return the same values.

        Raises:
            QuantityError: a value is out of range.
        """
        if not all(self.least <= value <= self.most for value in values):
            unit = f", in {self.unit}" if self.unit else ""
            least, most = self.show(self.least), self.show(self.most)
            raise QuantityError(f"{quoted(text)} must be between {least} and {most}{unit}")
        return values
