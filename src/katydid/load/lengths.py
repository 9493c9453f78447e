"""Lengths of requests and answers: the distributions that people write, and the draws from them. Pure.

    1000                    always this many tokens
    normal(1000,200)        mean and standard deviation
    lognormal(1000,800)     mean and standard deviation of the lengths themselves, not of their logarithms
    uniform(200,2000)       smallest and largest

A draw depends only on the seed, the user and the iteration, so it is the same for every version under test and in
every process. This module also defines the options of generated requests.
"""

from dataclasses import astuple, dataclass
from hashlib import blake2b

from katydid.load.distribution import Distribution, Grammar
from katydid.load.made.images import images
from katydid.model.options import Group, option
from katydid.model.options.quantities import QuantityError, quoted

MOST = 1_000_000
"""Tokens; a longer prompt fits no model's context."""
_PLACES = 200
TOKENS = Grammar(
    what="a length",
    examples=("1000", "normal(1000,200)", "lognormal(1000,800)", "uniform(200,2000)"),
    number=float,
    show=lambda value: f"{value:.12g}",
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
        """Return the quantile at `share` as a length, at least 1 and at most `MOST`.

        Args:
            share: between 0 and 1, exclusive.
        """
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
    return Lengths(*astuple(TOKENS.read(text)))


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
    """Check a shared prefix and return its canonical spelling; used as the `kind` of an option.

    Raises:
        QuantityError: see `read_shared_prefix`.
    """
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
