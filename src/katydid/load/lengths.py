"""How long requests and answers are: numbers and distributions as people write them, and what is drawn. Pure.

    1000                    each so many tokens
    normal(1000,200)        mean and standard deviation
    lognormal(1000,800)     mean and standard deviation of the lengths themselves, not of their logarithms
    uniform(200,2000)       smallest and largest

A draw follows from the seed, the user and the iteration alone, so it is the same for every version under test, in
whichever process the user is.
"""

import math
import re
from dataclasses import dataclass
from hashlib import blake2b
from statistics import NormalDist

from katydid.model.options.quantities import QuantityError, quoted

MOST = 1_000_000
"""Tokens; a longer prompt fits no model's context."""
_STANDARD = NormalDist()
_PLACES = 200
_SPEC = re.compile(r"([a-z]+)\(([^()]*)\)")
_KINDS = ("normal", "lognormal", "uniform")


@dataclass(frozen=True, slots=True)
class Lengths:
    """A distribution of lengths in tokens.

    Attributes:
        kind: `fixed`, `normal`, `lognormal` or `uniform`.
        first, second: mean and standard deviation; of `uniform` the smallest and the largest; both alike for `fixed`.
    """

    kind: str
    first: float
    second: float

    @property
    def mean(self) -> float:
        """Of the distribution, before it is cut off below 1."""
        return (self.first + self.second) / 2 if self.kind == "uniform" else self.first

    def at(self, share: float) -> int:
        """The length that a share of all lengths does not exceed; at least 1 and at most `MOST`.

        Args:
            share: between 0 and 1, exclusive.
        """
        return int(min(MOST, max(1, round(self._quantile(share)))))

    def below(self, length: int) -> float:
        """The share of lengths that are less than this one, to within half a percent."""
        return sum(self.at((place + 0.5) / _PLACES) < length for place in range(_PLACES)) / _PLACES

    def _quantile(self, share: float) -> float:
        if self.kind == "fixed":
            return self.first
        if self.kind == "uniform":
            return self.first - 0.5 + share * (self.second - self.first + 1)
        if self.kind == "normal":
            return self.first + self.second * _STANDARD.inv_cdf(share)
        variance = math.log1p((self.second / self.first) ** 2)
        exponent = math.log(self.first) - variance / 2 + math.sqrt(variance) * _STANDARD.inv_cdf(share)
        return math.exp(min(exponent, math.log(MOST) + 1))

    def __str__(self) -> str:
        """As one writes it."""
        if self.kind == "fixed":
            return str(int(self.first))
        return f"{self.kind}({self.first:.12g},{self.second:.12g})"


def read_lengths(text: str) -> Lengths:
    """A distribution as people write it.

    Raises:
        QuantityError: it is none, or its parameters make no sense.
    """
    plain = "".join(text.lower().split())
    if plain.isascii() and plain.isdecimal():
        return Lengths("fixed", *_within(text, [float(plain)] * 2))
    found = _SPEC.fullmatch(plain)
    if found is None or found[1] not in _KINDS:
        raise QuantityError(
            f"{quoted(text)} is not a length such as 1000, normal(1000,200), lognormal(1000,800) or uniform(200,2000)"
        )
    try:
        first, second = map(float, found[2].split(","))
    except ValueError:
        raise QuantityError(f"{quoted(text)} needs two numbers, as in {found[1]}(1000,200)") from None
    if found[1] == "uniform":
        _within(text, [first, second])
        if first > second or not (first.is_integer() and second.is_integer()):
            raise QuantityError(f"{quoted(text)} needs two whole numbers, the smaller one first")
    else:
        _within(text, [first])
        if not 0 <= second <= 10 * first:
            raise QuantityError(f"{quoted(text)} needs a standard deviation from 0 to ten times the mean")
        if found[1] == "normal" and second > first:
            raise QuantityError(f"{quoted(text)} would mostly be below 1: use lognormal for so wide a spread")
    return Lengths(found[1], first, second)


def _within(text: str, values: list[float]) -> list[float]:
    """The same values.

    Raises:
        QuantityError: one is no possible length.
    """
    if not all(1 <= value <= MOST for value in values):
        raise QuantityError(f"{quoted(text)} must be between 1 and {MOST:,}, in tokens")
    return values


def lengths(text: str) -> str:
    """A distribution, checked and spelled in one way: the kind of an option.

    Raises:
        QuantityError: see `read_lengths`.
    """
    return str(read_lengths(text))


@dataclass(frozen=True, slots=True)
class SharedPrefix:
    """`--shared-prefix TOKENS[:GROUPS]`: prompts of a group begin with the same so many tokens."""

    tokens: int
    groups: int = 1

    def __str__(self) -> str:
        """As one writes it."""
        return f"{self.tokens}:{self.groups}"


def read_shared_prefix(text: str) -> SharedPrefix:
    """A shared prefix as people write it.

    Raises:
        QuantityError: it is none.
    """
    tokens, colon, groups = text.strip().partition(":")
    try:
        found = SharedPrefix(int(tokens), int(groups) if colon else 1)
    except ValueError:
        raise QuantityError(f"{quoted(text)} is not TOKENS or TOKENS:GROUPS, as in 500 or 500:4") from None
    if not (1 <= found.tokens <= MOST and 1 <= found.groups <= MOST):
        raise QuantityError(f"{quoted(text)}: tokens and groups must be from 1 to {MOST:,}")
    return found


def shared_prefix(text: str) -> str:
    """A shared prefix, checked and spelled in one way: the kind of an option.

    Raises:
        QuantityError: see `read_shared_prefix`.
    """
    return str(read_shared_prefix(text))


def chance(what: str, seed: int, user: int, iteration: int) -> float:
    """A number evenly distributed between 0 and 1, exclusive, that a request has for one purpose."""
    digest = blake2b(f"{what} {seed} {user} {iteration}".encode(), digest_size=8).digest()
    return ((int.from_bytes(digest) >> 12) + 0.5) / 2**52
