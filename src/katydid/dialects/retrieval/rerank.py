"""The dialect `rerank`: documents scored against a query, as Jina, Cohere, vLLM and llama.cpp speak it.

The first message of a request is the query, the others are the documents. Results name their document by its index,
and may be fewer than the documents where the request has `top_n`.
"""

from typing import Any

from katydid.dialects.base import Answer, Generation, Message
from katydid.dialects.loading import load_object
from katydid.dialects.openai import OpenAi
from katydid.dialects.retrieval.base import indices_in, is_finite, listed, texts_of
from katydid.dialects.usage import TokenDetails, tokens_in
from katydid.model.errors import ProtocolError
from katydid.model.jsontext import json_bytes


class Rerank(OpenAi):
    """See `base.Dialect`."""

    name = "rerank"
    endpoint = "/v1/rerank"
    answers = "ranking"
    with_images = None  # type: ignore[assignment]  # texts have none

    def body(self, messages: list[Message], generation: Generation, *, stream: bool) -> bytes:
        """A query and its documents."""
        del stream
        query, *documents = texts_of(messages)
        return json_bytes({"model": generation.model, "query": query, "documents": documents} | generation.extra)

    def parse_answer(self, body: bytes) -> Answer:
        """The results, each with its document's index and a score."""
        value = load_object(body)
        results = listed(value, "results", "a ranking")
        if any("index" not in each for each in results):
            raise ProtocolError("a result without the index of its document")
        if not is_finite([each.get("relevance_score", each.get("score")) for each in results]):
            raise ProtocolError("a result whose relevance_score is not a finite number")
        indices, usage = indices_in(results), _usage(value)
        prompt, total = tokens_in(usage, "prompt_tokens", "total_tokens")
        tokens = total if prompt is None else prompt
        return Answer("", "stop", tokens, None, other=bool(indices), details=TokenDetails.of(usage), indices=indices)


def _usage(value: dict[str, Any]) -> Any:
    """The usage, where Jina and vLLM have it, or Cohere."""
    if (usage := value.get("usage")) is not None:
        return usage
    meta = value.get("meta")
    tokens = meta.get("tokens") if isinstance(meta, dict) else None
    return {"prompt_tokens": tokens.get("input_tokens")} if isinstance(tokens, dict) else None
