"""How long requests and answers are: numbers and distributions as people write them, and what is drawn. Pure.

    1000                    each so many tokens
    normal(1000,200)        mean and standard deviation
    lognormal(1000,800)     mean and standard deviation of the lengths themselves, not of their logarithms
    uniform(200,2000)       smallest and largest

A draw follows from the seed, the user and the iteration alone, so it is the same for every version under test, in
whichever process the user is. The options here say all that there is to made requests.
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
"""The kind of an option."""


@dataclass(frozen=True, slots=True)
class Lengths(Distribution):
    """A distribution of lengths in tokens."""

    def at(self, share: float) -> int:
        """The length that a share of all lengths does not exceed; at least 1 and at most `MOST`.

        Args:
            share: between 0 and 1, exclusive.
        """
        return int(min(MOST, max(1, round(self.quantile(share)))))

    def below(self, length: int) -> float:
        """The share of lengths that are less than this one, to within half a percent."""
        return sum(self.at((place + 0.5) / _PLACES) < length for place in range(_PLACES)) / _PLACES

    def quantile(self, share: float) -> float:
        """See `Distribution.quantile`; uniform lengths are whole numbers, each equally often."""
        if self.kind == "uniform":
            return self.first - 0.5 + share * (self.second - self.first + 1)
        return Distribution.quantile(self, share)

    def __str__(self) -> str:
        """As one writes it."""
        return TOKENS.write(self)


def read_lengths(text: str) -> Lengths:
    """A distribution as people write it.

    Raises:
        QuantityError: it is none, or its parameters make no sense.
    """
    return Lengths(*astuple(TOKENS.read(text)))


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


@dataclass(frozen=True, kw_only=True)
class LengthOptions:
    """How long requests are, what their prompts share, and how a cache is emptied: a part of every run's options."""

    input_tokens: str | None = option(
        None,
        "make prompts of this length, no two alike: 1000, normal(1000,200), lognormal(1000,800) or uniform(200,2000); "
        "mean and standard deviation of the target's own count (default: no made prompts)",
        kind=lengths,
        group=Group.PROMPTS,
    )
    output_tokens: str | None = option(
        None,
        "ask for answers of this length, written as --input-tokens: by min_tokens, ignore_eos and the limit, as far "
        "as the target takes them (default: up to --max-tokens)",
        kind=lengths,
        group=Group.PROMPTS,
    )
    shared_prefix: str | None = option(
        None,
        "TOKENS[:GROUPS]: made prompts begin with so many tokens that all those of one of GROUPS groups share; part "
        "of --input-tokens, in the workload chat a system prompt beside them (default: nothing shared)",
        kind=shared_prefix,
        group=Group.PROMPTS,
    )
    images: str | None = option(
        None,
        "N:WxH, as 1:512x512: each request has N made images of W times H pixels, no two alike, in its last message "
        "(default: none)",
        kind=images,
        group=Group.PROMPTS,
    )
    before_run: str | None = option(
        None,
        "URL, or a path of the target, that gets a POST before the load, such as /reset_prefix_cache of vLLM "
        "(default: none)",
        group=Group.TARGET,
    )
    tokenizer: str | None = option(
        None,
        "tokenizer.json of the model: made prompts are exact by it, not by the target's count (default: none)",
        group=Group.PROMPTS,
    )
