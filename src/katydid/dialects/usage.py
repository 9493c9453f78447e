"""What a `usage` says beside its two counts: tokens from a cache, of reasoning, of an accepted prediction.

Every vendor has its own place for them, and gateways pass on each other's; so all places are looked at, whatever the
API. Knows no events.
"""

from dataclasses import dataclass
from typing import Any

from katydid.model.values import whole

Place = tuple[str, ...]
"""Names of members, from the outermost."""

CACHED: tuple[Place, ...] = (
    ("prompt_tokens_details", "cached_tokens"),  # OpenAI's chat, vLLM, SGLang, llama.cpp, Groq, xAI, OpenRouter
    ("input_tokens_details", "cached_tokens"),  # OpenAI's responses
    ("cache_read_input_tokens",),  # Anthropic, LiteLLM
    ("prompt_cache_hit_tokens",),  # DeepSeek
    ("cached_tokens",),  # Moonshot, Together, Cohere
    ("num_cached_tokens",),  # Mistral
    ("cacheReadInputTokens",),  # Bedrock
    ("cachedContentTokenCount",),  # Gemini
    ("cache_n",),  # llama.cpp's timings
)
REASONING: tuple[Place, ...] = (
    ("completion_tokens_details", "reasoning_tokens"),  # OpenAI's chat, DeepSeek, xAI, OpenRouter, vLLM
    ("output_tokens_details", "reasoning_tokens"),  # OpenAI's responses
    ("reasoning_tokens",),  # Perplexity, Together, SGLang
    ("thoughtsTokenCount",),  # Gemini
)
PREDICTION: tuple[Place, ...] = (
    ("completion_tokens_details", "accepted_prediction_tokens"),  # OpenAI's predicted outputs
    ("output_tokens_details", "accepted_prediction_tokens"),
    ("accepted_prediction_tokens",),
)
_OUTERMOST = frozenset(place[0] for place in (*CACHED, *REASONING, *PREDICTION))
"""Most answers say none of it; to see that by the outermost names costs a tenth of looking at each place."""


@dataclass(frozen=True, slots=True)
class TokenDetails:
    """Parts of an answer's tokens as they become known; None where the server says nothing of them.

    Attributes:
        cached_tokens: of the prompt, that came from a cache.
        reasoning_tokens: of the completion, that are no visible output.
        prediction_tokens: of the completion, that the request had predicted.
    """

    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    prediction_tokens: int | None = None

    def with_usage(self, usage: object) -> "TokenDetails":
        """These details and what a usage adds to them; a value that is not an object adds nothing."""
        if not isinstance(usage, dict) or _OUTERMOST.isdisjoint(usage):
            return self
        return TokenDetails(
            later(self.cached_tokens, _first(usage, CACHED)),
            later(self.reasoning_tokens, _first(usage, REASONING)),
            later(self.prediction_tokens, _first(usage, PREDICTION)),
        )

    @classmethod
    def of(cls, *usages: object) -> "TokenDetails":
        """What some usages say together."""
        details = NOTHING_SAID
        for usage in usages:
            if usage:
                details = details.with_usage(usage)
        return details


NOTHING_SAID = TokenDetails()
"""Of most answers; shared, so that none is made for each."""


def later(known: int | None, said: object) -> int | None:
    """A count that is said again and again as it grows; what is not a count says nothing."""
    count = whole(said)
    return count if count or known is None else known


def tokens_in(usage: object, prompt: str, completion: str) -> tuple[Any, Any]:
    """What a usage says of both counts, by their names in it; None where it is no object, or says nothing."""
    return (usage.get(prompt), usage.get(completion)) if isinstance(usage, dict) else (None, None)


def _first(usage: dict[str, object], places: tuple[Place, ...]) -> int | None:
    """The count of the first place that has one that is more than 0, else 0 where any says so."""
    said = None
    for place in places:
        if place[0] not in usage:
            continue
        inner: Any = usage
        *outer, name = place
        for each in outer:
            inner = inner.get(each)
            if not isinstance(inner, dict):
                break
        else:
            said = later(said, inner.get(name))
            if said:
                break
    return said
