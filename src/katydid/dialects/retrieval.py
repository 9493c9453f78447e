"""The dialects `embeddings`, `ollama-embed` and `rerank`: each text of a request gets a vector or a score.

Each message of a request is one text. For `rerank` the first text is the query, the others are the documents. A vector
is a list of numbers, or float32 in base64 if the request's `encoding_format` asks for it; all vectors of an answer
have the same number of dimensions. A ranking names documents by index; with `top_n` it may leave some out.
"""

import binascii
import math
import sys
from array import array
from base64 import b64decode
from collections.abc import Sequence
from typing import Any

from katydid.dialects.base import Answer, Generation, Message
from katydid.dialects.loading import load_object, text_of
from katydid.dialects.ollama import Ollama
from katydid.dialects.openai import OpenAi
from katydid.dialects.usage import TokenDetails, tokens_in
from katydid.model.errors import ProtocolError
from katydid.model.jsontext import json_bytes

FLOAT32 = 4
"""Bytes per number of a vector in base64."""


def texts_of(messages: Sequence[Message]) -> list[str]:
    """The texts of a request, one per message."""
    return [text_of(message.get("content")) for message in messages]


class _Vectors:
    """The request for vectors, common to both APIs."""

    answers = "vectors"

    def body(self, messages: list[Message], generation: Generation, *, stream: bool) -> bytes:
        """The texts as a list, even if there is only one."""
        del stream
        return json_bytes({"model": generation.model, "input": texts_of(messages)} | generation.extra)


class Embeddings(_Vectors, OpenAi):
    """OpenAI's embeddings API, which most servers support."""

    name = "embeddings"
    endpoint = "/v1/embeddings"
    with_images = None  # type: ignore[assignment]  # texts only

    def parse_answer(self, body: bytes) -> Answer:
        """The vectors in the member `data`."""
        value = load_object(body)
        data = _listed(value, "data", "embeddings")
        dimensions = _dimensions([each.get("embedding") for each in data])
        return _answer(_indices_in(data), value.get("usage"), value, dimensions=dimensions)


class OllamaEmbed(_Vectors, Ollama):
    """Ollama's embeddings API; the vectors are in the order of the texts."""

    name = "ollama-embed"
    endpoint = "/api/embed"
    with_images = None  # type: ignore[assignment]  # texts only

    def parse_answer(self, body: bytes) -> Answer:
        """The vectors in the member `embeddings`."""
        value = load_object(body)
        vectors = value.get("embeddings")
        if not isinstance(vectors, list):
            raise ProtocolError("not an answer of /api/embed: no list of embeddings")
        usage = {"prompt_tokens": value.get("prompt_eval_count")}
        return _answer(tuple(range(len(vectors))), usage, value, dimensions=_dimensions(vectors))


class Rerank(OpenAi):
    """The reranking API of Jina, Cohere, vLLM and llama.cpp: documents scored against a query."""

    name = "rerank"
    endpoint = "/v1/rerank"
    answers = "ranking"
    with_images = None  # type: ignore[assignment]  # texts only

    def body(self, messages: list[Message], generation: Generation, *, stream: bool) -> bytes:
        """A query and its documents."""
        del stream
        query, *documents = texts_of(messages)
        return json_bytes({"model": generation.model, "query": query, "documents": documents} | generation.extra)

    def parse_answer(self, body: bytes) -> Answer:
        """The results: each has the index of its document and a score."""
        value = load_object(body)
        results = _listed(value, "results", "a ranking")
        if any("index" not in each for each in results):
            raise ProtocolError("a result without the index of its document")
        if not _is_finite([each.get("relevance_score", each.get("score")) for each in results]):
            raise ProtocolError("a result whose relevance_score is not a finite number")
        return _answer(_indices_in(results), _usage(value))


def _answer(indices: tuple[int, ...], *usages: object, **extra: object) -> Answer:
    """An answer with one item per index. The first usage gives the token count, all of them the token details."""
    prompt, total = tokens_in(usages[0], "prompt_tokens", "total_tokens")
    return Answer(
        "",
        "stop",
        total if prompt is None else prompt,
        None,
        other=bool(indices),
        extra=extra,
        details=TokenDetails.of(*usages),
        indices=indices,
    )


def _listed(value: dict[str, object], name: str, what: str) -> list[dict[str, object]]:
    """Return the list of objects `value[name]`; `what` is what the answer should be, for the error message."""
    items = value.get(name)
    if not isinstance(items, list) or not all(isinstance(each, dict) for each in items):
        raise ProtocolError(f"not {what}: no list of {name}")
    return items


def _indices_in(items: Sequence[dict[str, object]]) -> tuple[int, ...]:
    """The index of the text that each item belongs to; items without indices are in the order of the request."""
    found = [each.get("index") for each in items]
    if all(index is None for index in found):
        return tuple(range(len(items)))
    if not all(isinstance(index, int) and not isinstance(index, bool) and index >= 0 for index in found):
        raise ProtocolError("an item without its index")
    return tuple(found)  # type: ignore[arg-type]  # checked one line above


def _is_finite(values: Any) -> bool:
    try:
        return math.isfinite(sum(values))
    except (TypeError, OverflowError):
        return False


def _dimensions(vectors: Sequence[object]) -> int | None:
    """The number of dimensions, the same for all vectors; None if there are no vectors."""
    found = {_length(vector) for vector in vectors}
    if len(found) > 1:
        raise ProtocolError(f"vectors of {' and '.join(map(str, sorted(found)))} dimensions in one answer")
    return next(iter(found), None)


def _length(vector: object) -> int:
    numbers = _unpacked(vector) if isinstance(vector, str) else vector
    if not isinstance(numbers, list | array) or not numbers or not _is_finite(numbers):
        raise ProtocolError("an embedding that is not a list of finite numbers")
    return len(numbers)


def _unpacked(text: str) -> "array[float]":
    """Decode a vector from base64: little-endian float32, OpenAI's format."""
    try:
        data = b64decode(text, validate=True)
    except binascii.Error:
        raise ProtocolError("an embedding that is not base64") from None
    if len(data) % FLOAT32:
        raise ProtocolError(f"a base64 embedding of {len(data)} bytes, which is not a multiple of {FLOAT32}")
    numbers = array("f", data)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def _usage(value: dict[str, object]) -> object:
    """The usage: in `usage` (Jina, vLLM) or in `meta.tokens` (Cohere)."""
    if (usage := value.get("usage")) is not None:
        return usage
    meta = value.get("meta")
    tokens = meta.get("tokens") if isinstance(meta, dict) else None
    return {"prompt_tokens": tokens.get("input_tokens")} if isinstance(tokens, dict) else None
