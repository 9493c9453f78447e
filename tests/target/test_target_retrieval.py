"""The target's embeddings and rankings, as our dialects read them."""

import pytest
from wire import ask, post

from katydid.dialects import dialect

TEXTS = ["a bird sings", "a fish swims", "no bird"]


@pytest.mark.parametrize(("api", "path"), [("embeddings", "/v1/embeddings"), ("ollama-embed", "/api/embed")])
@pytest.mark.parametrize(("more", "dimensions"), [({}, 16), ({"dimensions": 5}, 5)])
def test_each_text_has_a_vector(quick, api, path, more, dimensions):
    answer = dialect(api).parse_answer(ask(quick, post(path, input=TEXTS, messages=None, **more)).body)
    assert (answer.indices, answer.extra, answer.prompt_tokens) == ((0, 1, 2), {"dimensions": dimensions}, 8)


def test_a_single_text_and_base64_are_taken_too(quick):
    reply = ask(quick, post("/v1/embeddings", input="one text", encoding_format="base64", messages=None))
    answer = dialect("embeddings").parse_answer(reply.body)
    assert (answer.indices, answer.extra) == ((0,), {"dimensions": 16})
    assert b'"embedding":"' in reply.body


def test_documents_are_ranked_the_best_first_and_no_more_than_asked_for(quick):
    asked = {"query": "which bird sings", "documents": TEXTS, "messages": None}
    whole = dialect("rerank").parse_answer(ask(quick, post("/v1/rerank", **asked)).body)
    assert (whole.indices, whole.prompt_tokens) == ((0, 2, 1), 11)
    best = dialect("rerank").parse_answer(ask(quick, post("/v1/rerank", top_n=2, **asked)).body)
    assert best.indices == (0, 2)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/embeddings", {"input": []}),
        ("/v1/embeddings", {"input": [1, 2]}),
        ("/v1/embeddings", {"input": "a", "encoding_format": "hex"}),
        ("/v1/embeddings", {"input": "a", "dimensions": 0}),
        ("/v1/rerank", {"documents": ["a"]}),
        ("/v1/rerank", {"query": "q", "documents": []}),
        ("/v1/rerank", {"query": "q", "documents": ["a"], "top_n": 0}),
        ("/api/embed", {"input": None}),
    ],
)
def test_what_is_no_such_request_is_refused(quick, path, body):
    assert ask(quick, post(path, messages=None, **body)).status == 400
