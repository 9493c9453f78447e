"""Distributions as people write them, and their quantiles. Pure.

    2                    always the same
    normal(10,2)         mean and standard deviation
    lognormal(10,8)      mean and standard deviation of the values themselves, not of their logarithms
    uniform(1,30)        smallest and largest

What the values are (tokens, turns, seconds), and so how one number is written, says a `Grammar`.
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
"""Of e, as a float holds it."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """Of whatever quantity.

    Attributes:
        kind: `fixed`, `normal`, `lognormal` or `uniform`.
        first, second: mean and standard deviation; of `uniform` the smallest and the largest; both alike for `fixed`.
    """

    kind: str
    first: float
    second: float

    @property
    def mean(self) -> float:
        """Of the distribution, before anything is cut off."""
        return (self.first + self.second) / 2 if self.kind == "uniform" else self.first

    def quantile(self, share: float) -> float:
        """The value that a share of all values, between 0 and 1, exclusive, does not exceed."""
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
        what: it is, with its article.
        examples: a number, and the three distributions.
        number: reads one number; raises ValueError.
        show: writes one.
        least, most: that a number may be.
        unit: behind them in a complaint.
        whole: only whole numbers make sense.
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
        """A distribution as people write it.

        Raises:
            QuantityError: it is none, or its parameters make no sense.
        """
        plain = "".join(text.lower().split())
        found = _SPEC.fullmatch(plain)
        if found is None or found[1] not in _KINDS:
            return Distribution("fixed", *self._within(text, [self._one(text, plain)] * 2))
        try:
            first, second = map(self.number, found[2].split(","))
        except ValueError:
            example = next(each for each in self.examples if each.startswith(f"{found[1]}("))
            raise QuantityError(f"{quoted(text)} needs two numbers, as in {example}") from None
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
                raise QuantityError(f"{quoted(text)} would mostly be below {below}: use lognormal for so wide a spread")
            if found[1] == "lognormal" and not first:
                raise QuantityError(f"{quoted(text)} needs a mean of more than 0")
        return Distribution(found[1], first, second)

    def write(self, found: Distribution) -> str:
        """As one writes it."""
        if found.kind == "fixed":
            return self.show(found.first)
        return f"{found.kind}({self.show(found.first)},{self.show(found.second)})"

    def spelled(self, text: str | float) -> str:
        """A distribution, checked and spelled in one way: the kind of an option.

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
        """The same values.

        Raises:
            QuantityError: one is not possible.
        """
        if not all(self.least <= value <= self.most for value in values):
            unit = f", in {self.unit}" if self.unit else ""
            least, most = self.show(self.least), self.show(self.most)
            raise QuantityError(f"{quoted(text)} must be between {least} and {most}{unit}")
        return values
