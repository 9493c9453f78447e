"""Lists of texts and their answers: embeddings as OpenAI's and Ollama's, rankings as Jina's, vLLM's and Cohere's."""

import json
from base64 import b64encode
from struct import pack

import pytest

from katydid.dialects import dialect, dialect_answering
from katydid.dialects.answer_parser import AnswerParser
from katydid.dialects.base import Generation, answers_of
from katydid.dialects.openai import OpenAi
from katydid.model.errors import ConfigError
from katydid.model.sample import ErrorClass

TEXTS = [{"role": "user", "content": "one"}, {"role": "user", "content": [{"type": "text", "text": "two"}]}]
VECTORS = [[0.25, -0.5, 1.0], [0.5, 0.5, 0.0]]


def packed(vector):
    return b64encode(pack(f"<{len(vector)}f", *vector)).decode()


def embeddings(*vectors, order=None, **more):
    """As OpenAI's, vLLM's and llama.cpp's."""
    indices = order or range(len(vectors))
    data = [{"object": "embedding", "index": i, "embedding": v} for i, v in zip(indices, vectors, strict=True)]
    return {"object": "list", "data": data, "model": "e5", "usage": {"prompt_tokens": 9, "total_tokens": 9}} | more


OLLAMA = {"model": "e5", "embeddings": VECTORS, "total_duration": 14, "load_duration": 1, "prompt_eval_count": 9}
RESULTS = [{"index": 1, "relevance_score": 0.9}, {"index": 0, "relevance_score": -3.5}]
JINA = {"model": "r", "usage": {"total_tokens": 9}, "results": RESULTS}
VLLM = {"id": "rerank-1", "model": "r", "usage": {"total_tokens": 9},
        "results": [each | {"document": {"text": "…", "multi_modal": None}} for each in RESULTS]}  # fmt: skip
LLAMA_CPP = {"model": "r", "object": "list", "usage": {"prompt_tokens": 9, "total_tokens": 12}, "results": RESULTS}
COHERE = {"id": "1", "results": RESULTS,
          "meta": {"billed_units": {"search_units": 1}, "tokens": {"input_tokens": 9, "output_tokens": 0}}}  # fmt: skip


def read(api, value):
    parser = AnswerParser(dialect(api))
    parser.feed(json.dumps(value).encode(), 0.0)
    parser.finish()
    return parser


def test_each_message_of_a_request_is_a_text():
    asked = Generation("e5", max_tokens=5, seed=3)
    for api in ("embeddings", "ollama-embed"):
        assert json.loads(dialect(api).body(TEXTS, asked, stream=False)) == {"model": "e5", "input": ["one", "two"]}
    ranked = json.loads(dialect("rerank").body([*TEXTS, TEXTS[0]], asked, stream=False))
    assert ranked == {"model": "e5", "query": "one", "documents": ["two", "one"]}


@pytest.mark.parametrize(
    ("api", "value"),
    [
        ("embeddings", embeddings(*VECTORS)),
        ("embeddings", embeddings(*map(packed, VECTORS))),
        ("embeddings", embeddings(*VECTORS, usage={"total_tokens": 9})),
        ("ollama-embed", OLLAMA),
    ],
    ids=["numbers", "base64", "a total alone", "Ollama"],
)
def test_vectors_are_read_with_their_dimensions_and_tokens(api, value):
    parser = read(api, value)
    assert parser.verdict() is None
    answer = parser.answer
    assert (answer.indices, answer.extra["dimensions"], answer.prompt_tokens) == ((0, 1), 3, 9)
    assert answer.completion_tokens is None


def test_vectors_name_their_texts_in_any_order_and_else_are_in_that_of_the_request():
    assert read("embeddings", embeddings(*VECTORS, order=[1, 0])).answer.indices == (1, 0)
    assert read("embeddings", {"data": [{"embedding": [1]}, {"embedding": [2]}]}).answer.indices == (0, 1)


@pytest.mark.parametrize("value", [JINA, VLLM, LLAMA_CPP, COHERE], ids=["Jina", "vLLM", "llama.cpp", "Cohere"])
def test_a_ranking_is_read_with_its_tokens(value):
    parser = read("rerank", value)
    assert parser.verdict() is None
    assert (parser.answer.indices, parser.answer.prompt_tokens) == ((1, 0), 9)


@pytest.mark.parametrize(
    ("api", "value"),
    {
        "dimensions that differ": ("embeddings", embeddings([1.0, 2.0], [1.0])),
        "no vector": ("embeddings", embeddings([1.0], None)),
        "an empty vector": ("embeddings", embeddings([])),
        "a null in a vector": ("embeddings", embeddings([1.0, None])),
        "a text in a vector": ("embeddings", embeddings([1.0, "2"])),
        "an infinite number": ("ollama-embed", OLLAMA | {"embeddings": [[10**400]]}),
        "not base64": ("embeddings", embeddings("AAAA*")),
        "base64 of something else": ("embeddings", embeddings(b64encode(b"abc").decode())),
        "base64 of not a number": ("embeddings", embeddings(packed([float("nan")]))),
        "an index that is a text": ("embeddings", embeddings([1.0], order=["0"])),
        "an index on some alone": ("embeddings", {"data": [{"index": 0, "embedding": [1]}, {"embedding": [2]}]}),
        "no list": ("embeddings", {"data": {}}),
        "no vectors of Ollama's": ("ollama-embed", {"model": "e5"}),
        "a chat's answer": ("embeddings", {"choices": [{"message": {"content": "Hi"}}]}),
        "a result without its index": ("rerank", {"results": [{"relevance_score": 1.0}]}),
        "a result without its score": ("rerank", {"results": [{"index": 0}]}),
        "a score that is null": ("rerank", {"results": [{"index": 0, "relevance_score": None}]}),
        "results that are not objects": ("rerank", {"results": [0.5]}),
    }.values(),
)
def test_what_is_not_such_an_answer_is_malformed(api, value):
    assert read(api, value).verdict()[0] is ErrorClass.MALFORMED


def test_an_answer_without_any_item_is_empty_and_an_error_stays_one():
    assert read("embeddings", embeddings()).verdict()[0] is ErrorClass.EMPTY
    assert read("rerank", JINA | {"results": []}).verdict()[0] is ErrorClass.EMPTY
    assert read("embeddings", {"error": {"message": "boom"}}).verdict()[0] is ErrorClass.SERVER_ERROR_EVENT


def test_a_dialect_is_chosen_by_what_its_answers_are():
    assert dialect_answering(["vectors"], "ollama-embed").name == "ollama-embed"
    with pytest.raises(
        ConfigError,
        match=r"--api openai: this workload cannot read its answers \(text\): use one of embeddings, ollama-embed$",
    ):
        dialect_answering(["vectors"], "openai")
    assert answers_of(OpenAi()) == "text"
