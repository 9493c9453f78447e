"""Distributions of lengths and other quantities, as people write them, and the draws from them. Pure.

    1000                    always the same
    normal(1000,200)        mean and standard deviation
    lognormal(1000,800)     mean and standard deviation of the values themselves, not of their logarithms
    uniform(200,2000)       smallest and largest

A `Grammar` defines the quantity (tokens, turns, seconds) and how one number of it is written. A draw depends only on
the seed, the user and the iteration, so it is the same for every version under test and in every process. This module
also defines the options of generated requests.
"""

import math
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from statistics import NormalDist

from katydid.load.made.images import images
from katydid.model.options import Group, option
from katydid.model.options.quantities import QuantityError, quoted

_STANDARD = NormalDist()
_SPEC = re.compile(r"(normal|lognormal|uniform)\(([^()]*)\)")
_LARGEST_EXPONENT = 700.0
"""The largest exponent of e whose result fits a float."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """A distribution of any quantity.

    Attributes:
        kind: `fixed`, or a name from the text.
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
    number: Callable[[str], float] = float
    show: Callable[[float], str] = "{:.12g}".format
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
        if found is None:
            value = self._one(text, plain)
            self._check_range(text, value)
            return Distribution("fixed", value, value)
        try:
            first, second = map(self.number, found[2].split(","))
        except ValueError:
            example = next(each for each in self.examples if each.startswith(f"{found[1]}("))
            raise QuantityError(f"{quoted(text)} needs two numbers, such as {example}") from None
        if found[1] == "uniform":
            self._check_range(text, first, second)
            if first > second or (self.whole and not (first.is_integer() and second.is_integer())):
                numbers = "two whole numbers" if self.whole else "two numbers"
                raise QuantityError(f"{quoted(text)} needs {numbers}, the smaller one first")
        else:
            self._check_range(text, first)
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
        """Return the canonical spelling, as the `kind` of an option; raises as `read` does."""
        return self.write(self.read(str(text)))

    def _one(self, text: str, plain: str) -> float:
        """Parse a single number; if it must be whole, only digits are valid."""
        if not self.whole or (plain.isascii() and plain.isdecimal()):
            with suppress(ValueError):
                return self.number(plain)
        *others, last = self.examples
        raise QuantityError(f"{quoted(text)} is not {self.what} such as {', '.join(others)} or {last}")

    def _check_range(self, text: str, *values: float) -> None:
        if not all(self.least <= value <= self.most for value in values):
            unit = f", in {self.unit}" if self.unit else ""
            raise QuantityError(
                f"{quoted(text)} must be between {self.show(self.least)} and {self.show(self.most)}{unit}"
            )


MOST = 1_000_000
"""Tokens; a longer prompt fits no model's context."""
_PLACES = 200
TOKENS = Grammar(
    what="a length",
    examples=("1000", "normal(1000,200)", "lognormal(1000,800)", "uniform(200,2000)"),
    least=1,
    most=MOST,
    unit="tokens",
    whole=True,
)
lengths = TOKENS.spelled
"""The `kind` of an option."""


@dataclass(frozen=True, slots=True)
class Lengths(Distribution):
    """A distribution of lengths in tokens."""

    def at(self, share: float) -> int:
        """Return the quantile at `share` as a length, at least 1 and at most `MOST`."""
        return int(min(MOST, max(1, round(self.quantile(share)))))

    def below(self, length: int) -> float:
        """Return the share of lengths below `length`, to within half a percent."""
        return sum(self.at((place + 0.5) / _PLACES) < length for place in range(_PLACES)) / _PLACES

    def quantile(self, share: float) -> float:
        """See `Distribution.quantile`. Uniform lengths are whole numbers, all equally likely."""
        if self.kind == "uniform":
            return self.first - 0.5 + share * (self.second - self.first + 1)
        return Distribution.quantile(self, share)

    def __str__(self) -> str:
        """Format the distribution as `read_lengths` parses it."""
        return TOKENS.write(self)


def read_lengths(text: str) -> Lengths:
    """Parse a distribution of lengths.

    Raises:
        QuantityError: the text is not a distribution, or its parameters are invalid.
    """
    found = TOKENS.read(text)
    return Lengths(found.kind, found.first, found.second)


@dataclass(frozen=True, slots=True)
class SharedPrefix:
    """`--shared-prefix TOKENS[:GROUPS]`: all prompts of a group begin with the same `tokens` tokens."""

    tokens: int
    groups: int = 1

    def __str__(self) -> str:
        """Format the prefix as `read_shared_prefix` parses it."""
        return f"{self.tokens}:{self.groups}"


def read_shared_prefix(text: str) -> SharedPrefix:
    """Parse a shared prefix.

    Raises:
        QuantityError: the text is not a shared prefix.
    """
    tokens, colon, groups = text.strip().partition(":")
    try:
        found = SharedPrefix(int(tokens), int(groups) if colon else 1)
    except ValueError:
        raise QuantityError(f"{quoted(text)} is not TOKENS or TOKENS:GROUPS, such as 500 or 500:4") from None
    if not (1 <= found.tokens <= MOST and 1 <= found.groups <= MOST):
        raise QuantityError(f"{quoted(text)}: tokens and groups must be from 1 to {MOST:,}")
    return found


def shared_prefix(text: str) -> str:
    """Return the canonical spelling, as the `kind` of an option; raises as `read_shared_prefix` does."""
    return str(read_shared_prefix(text))


def chance(what: str, seed: int, user: int, iteration: int) -> float:
    """Return a request's pseudo-random number for one purpose, uniform between 0 and 1, exclusive."""
    digest = blake2b(f"{what} {seed} {user} {iteration}".encode(), digest_size=8).digest()
    return ((int.from_bytes(digest) >> 12) + 0.5) / 2**52


@dataclass(frozen=True, kw_only=True)
class LengthOptions:
    """Options of every run: lengths of requests, shared prefixes, images, and how to empty a cache."""

    input_tokens: str | None = option(
        None,
        "generate prompts of this length, no two alike: 1000, normal(1000,200), lognormal(1000,800) or "
        "uniform(200,2000); mean and standard deviation in tokens as the target counts them (default: no generated "
        "prompts)",
        kind=lengths,
        group=Group.PROMPTS,
    )
    output_tokens: str | None = option(
        None,
        "request answers of this length, written like --input-tokens; sets min_tokens, ignore_eos and the token limit "
        "if the target accepts them (default: up to --max-tokens)",
        kind=lengths,
        group=Group.PROMPTS,
    )
    shared_prefix: str | None = option(
        None,
        "TOKENS[:GROUPS]: generated prompts begin with TOKENS tokens that all prompts of the same group share; they "
        "count towards --input-tokens, except in the chat workload, where they are a separate system prompt (default: "
        "nothing shared)",
        kind=shared_prefix,
        group=Group.PROMPTS,
    )
    images: str | None = option(
        None,
        "N:WxH, such as 1:512x512: add N generated images of W × H pixels, no two alike, to the last message of each "
        "request (default: none)",
        kind=images,
        group=Group.PROMPTS,
    )
    before_run: str | None = option(
        None,
        "URL, or path on the target, to POST to before the load, such as vLLM's /reset_prefix_cache (default: none)",
        group=Group.TARGET,
    )
    tokenizer: str | None = option(
        None,
        "the model's tokenizer.json: sizes generated prompts exactly, instead of by the target's token count (default: "
        "none)",
        group=Group.PROMPTS,
    )
