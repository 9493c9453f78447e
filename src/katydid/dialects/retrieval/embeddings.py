"""The dialects `embeddings` and `ollama-embed`: vectors of texts, as OpenAI and most servers speak them, and Ollama.

Each message of a request is a text. A vector is a list of numbers, or float32 in base64 where the request's
`encoding_format` says so; all of an answer have the same number of dimensions.
"""

import binascii
import sys
from array import array
from base64 import b64decode
from collections.abc import Sequence
from typing import Any

from katydid.dialects.base import Answer, Generation, Message
from katydid.dialects.loading import load_object
from katydid.dialects.ollama import Ollama
from katydid.dialects.openai import OpenAi
from katydid.dialects.retrieval.base import indices_in, is_finite, listed, texts_of
from katydid.dialects.usage import TokenDetails, tokens_in
from katydid.model.errors import ProtocolError
from katydid.model.jsontext import json_bytes

FLOAT32 = 4
"""Bytes of a number in base64."""


class Embeddings(OpenAi):
    """See `base.Dialect`."""

    name = "embeddings"
    endpoint = "/v1/embeddings"
    answers = "vectors"
    with_images = None  # type: ignore[assignment]  # texts have none

    def body(self, messages: list[Message], generation: Generation, *, stream: bool) -> bytes:
        """A list of texts, also of one."""
        del stream
        return json_bytes({"model": generation.model, "input": texts_of(messages)} | generation.extra)

    def parse_answer(self, body: bytes) -> Answer:
        """The vectors in `data`."""
        value = load_object(body)
        data = listed(value, "data", "embeddings")
        dimensions = _dimensions([each.get("embedding") for each in data])
        return _answer(value, value.get("usage"), indices_in(data), dimensions)


class OllamaEmbed(Ollama):
    """See `base.Dialect`: Ollama's /api/embed, whose vectors are in the order of the texts."""

    name = "ollama-embed"
    endpoint = "/api/embed"
    answers = "vectors"
    with_images = None  # type: ignore[assignment]  # texts have none

    def body(self, messages: list[Message], generation: Generation, *, stream: bool) -> bytes:
        """A list of texts, also of one."""
        del stream
        return json_bytes({"model": generation.model, "input": texts_of(messages)} | generation.extra)

    def parse_answer(self, body: bytes) -> Answer:
        """The vectors in `embeddings`."""
        value = load_object(body)
        vectors = value.get("embeddings")
        if not isinstance(vectors, list):
            raise ProtocolError("not an answer of /api/embed: no list of embeddings")
        usage = {"prompt_tokens": value.get("prompt_eval_count")}
        return _answer(value, usage, tuple(range(len(vectors))), _dimensions(vectors))


def _answer(value: dict[str, Any], usage: Any, indices: tuple[int, ...], dimensions: int | None) -> Answer:
    prompt, total = tokens_in(usage, "prompt_tokens", "total_tokens")
    return Answer(
        "",
        "stop",
        total if prompt is None else prompt,
        None,
        other=bool(indices),
        extra={"dimensions": dimensions},
        details=TokenDetails.of(usage, value),
        indices=indices,
    )


def _dimensions(vectors: Sequence[Any]) -> int | None:
    """Of all vectors; None where there are none.

    Raises:
        ProtocolError: one is no vector, or they differ.
    """
    found = {_length(vector) for vector in vectors}
    if len(found) > 1:
        raise ProtocolError(f"vectors of {' and '.join(map(str, sorted(found)))} dimensions in one answer")
    return next(iter(found), None)


def _length(vector: Any) -> int:
    numbers = _unpacked(vector) if isinstance(vector, str) else vector
    if not isinstance(numbers, list | array) or not numbers or not is_finite(numbers):
        raise ProtocolError("an embedding that is not a list of finite numbers")
    return len(numbers)


def _unpacked(text: str) -> "array[float]":
    """A vector out of base64: little-endian float32, as OpenAI has it."""
    try:
        data = b64decode(text, validate=True)
    except binascii.Error:
        raise ProtocolError("an embedding that is not base64") from None
    if len(data) % FLOAT32:
        raise ProtocolError(f"an embedding of {len(data)} bytes in base64, which is not a list of float32")
    numbers = array("f", data)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
