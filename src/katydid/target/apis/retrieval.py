"""Embeddings (OpenAI's, Ollama's) and reranking (Jina's and vLLM's), as the embedded target serves them.

A vector is computed from its text, and a score from the number of words that a document shares with the query. The
fault `empty` leaves the list empty. Answers are never streamed.
"""

import math
from array import array
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import shake_128
from typing import Any

from katydid.model.jsontext import json_bytes
from katydid.target.apis.base import Ask, Spent, limit_of, member, needed
from katydid.target.apis.ollama import OllamaApi
from katydid.target.apis.openai import OpenAiApi
from katydid.target.wire.http import RequestError

DIMENSIONS, MOST_DIMENSIONS = 16, 4096


@dataclass(slots=True)
class ListAsk(Ask):
    """The content of a request with a list of texts.

    Attributes:
        texts: the texts to embed or to rank.
        query: the query to rank them against.
        most: maximum number of items of the answer.
        dimensions: number of dimensions of a vector.
        packed: True if vectors are to be base64.
    """

    texts: tuple[str, ...] = ()
    query: str = ""
    most: int = 0
    dimensions: int = DIMENSIONS
    packed: bool = False


def _read(body: dict[str, object], texts: object, **more: Any) -> ListAsk:
    listed = [texts] if isinstance(texts, str) else texts
    if not isinstance(listed, list) or not listed or not all(isinstance(each, str) for each in listed):
        raise RequestError("the texts must be a string, or a non-empty list of strings")
    words = [word for text in (more.get("query", ""), *listed) for word in text.split()]
    return ListAsk(model=needed(body, "model"), stream=False, limit=None, words=words, texts=tuple(listed), **more)


def _read_embeddings(body: dict[str, object]) -> ListAsk:
    dimensions = member(body, "dimensions", int, DIMENSIONS)
    if not 1 <= dimensions <= MOST_DIMENSIONS:
        raise RequestError(f"'dimensions' must be from 1 to {MOST_DIMENSIONS}, got {dimensions}")
    encoding = member(body, "encoding_format", str, "float")
    if encoding not in {"float", "base64"}:
        raise RequestError(f"'encoding_format' must be 'float' or 'base64', got {encoding!r}")
    return _read(body, body.get("input"), dimensions=dimensions, packed=encoding == "base64")


class EmbeddingsApi(OpenAiApi):
    """See `base.Api`."""

    def read(self, body: dict[str, object]) -> ListAsk:
        """See `Api.read`."""
        return _read_embeddings(body)

    def whole(self, ask: Any, text: str, spent: Spent) -> bytes:
        """See `Api.whole`."""
        del spent
        data = [
            {"object": "embedding", "index": index, "embedding": vector} for index, vector in enumerate(_vectors(ask))
        ]
        return json_bytes({"object": "list", "data": data if text else [], "model": ask.model, "usage": _usage(ask)})


class OllamaEmbedApi(OllamaApi):
    """Ollama's /api/embed."""

    def read(self, body: dict[str, object]) -> ListAsk:
        """See `Api.read`."""
        return _read_embeddings(body)

    def whole(self, ask: Any, text: str, spent: Spent) -> bytes:
        """See `Api.whole`."""
        return json_bytes({
            "model": ask.model,
            "embeddings": _vectors(ask) if text else [],
            "total_duration": spent.prompt_ns + spent.answer_ns,
            "load_duration": 0,
            "prompt_eval_count": ask.prompt_tokens,
        })  # fmt: skip


class RerankApi(OpenAiApi):
    """See `base.Api`."""

    def read(self, body: dict[str, object]) -> ListAsk:
        """See `Api.read`; documents must be strings."""
        documents = member(body, "documents", list, [])
        most = limit_of(body, "top_n") or len(documents)
        return _read(body, documents, query=needed(body, "query"), most=most)

    def whole(self, ask: Any, text: str, spent: Spent) -> bytes:
        """See `Api.whole`; the best document comes first."""
        del spent
        results = _ranking(ask) if text else []
        return json_bytes(
            {"id": f"rerank-{ask.identity}", "model": ask.model, "usage": _usage(ask), "results": results}
        )


def _usage(ask: Ask) -> dict[str, int]:
    return {"prompt_tokens": ask.prompt_tokens, "total_tokens": ask.prompt_tokens}


def _vectors(ask: ListAsk) -> Sequence[list[float] | str]:
    found = [_vector(text, ask.dimensions) for text in ask.texts]
    return [b64encode(array("f", each).tobytes()).decode() for each in found] if ask.packed else found


def _vector(text: str, dimensions: int) -> list[float]:
    """Return a vector of length 1, which is the same for the same text."""
    values = [byte - 127.5 for byte in shake_128(text.encode()).digest(dimensions)]
    length = math.sqrt(sum(value * value for value in values))
    return [value / length for value in values]


def _ranking(ask: ListAsk) -> list[dict[str, object]]:
    query = set(ask.query.split())
    scores = [len(query & set(text.split())) / max(1, len(query)) for text in ask.texts]
    order = sorted(range(len(scores)), key=lambda index: -scores[index])[: ask.most]
    return [
        {"index": index, "document": {"text": ask.texts[index]}, "relevance_score": scores[index]} for index in order
    ]
