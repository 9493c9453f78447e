"""Token details in a `usage` object: tokens from a cache, of reasoning, and of an accepted prediction.

Every vendor puts them in a different place, and gateways pass on each other's. So all known places are searched,
whatever the API. Knows no events.
"""

from dataclasses import dataclass
from typing import Any

from katydid.model.values import whole

Place = tuple[str, ...]
"""A path of member names, outermost first."""

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
"""Most answers have none of these. Checking the outermost names costs a tenth of searching every place."""


@dataclass(frozen=True, slots=True)
class TokenDetails:
    """Parts of an answer's token counts, as far as they are known; None if the server does not report them.

    Attributes:
        cached_tokens: prompt tokens that came from a cache.
        reasoning_tokens: completion tokens that are not visible output.
        prediction_tokens: completion tokens that the request predicted correctly.
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
        """The details of several `usage` objects together."""
        details = NOTHING_SAID
        for usage in usages:
            if usage:
                details = details.with_usage(usage)
        return details


NOTHING_SAID = TokenDetails()
"""No details, as in most answers; shared, so that no object is created per answer."""


def later(known: int | None, said: object) -> int | None:
    """The newer of two reports of a growing count; anything but a count, and 0 after a count, is ignored."""
    count = whole(said)
    return count if count or known is None else known


def tokens_in(usage: object, prompt: str, completion: str) -> tuple[Any, Any]:
    """The prompt and completion counts of a `usage`, by their names in it; None for each that it does not have."""
    return (usage.get(prompt), usage.get(completion)) if isinstance(usage, dict) else (None, None)


def _first(usage: dict[str, object], places: tuple[Place, ...]) -> int | None:
    """The first positive count in these places; else 0 if one of them says 0, else None."""
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
