"""Users of `embed` and `rerank`: what their requests say, and which answers are right. The target is a function."""

import json
import time
from types import SimpleNamespace

import pytest

from katydid.engine.run_info import RunInfo
from katydid.model.errors import ConfigError
from katydid.model.sample import ErrorClass, Outcome, Sample
from katydid.model.workload import WORKLOADS
from katydid.workloads.retrieval import EmbedOptions, RerankOptions
from katydid.workloads.retrieval.embed import EmbedService, EmbedUser
from katydid.workloads.retrieval.rerank import RerankService, RerankUser

TEMPLATE = 2
"""Tokens that the target adds to each text."""


def embedded(body):
    texts = body["input"]
    data = [{"index": i, "embedding": [0.5, -0.5]} for i, _ in enumerate(texts)]
    return {"data": data, "usage": {"prompt_tokens": tokens(texts)}}


def ranked(body):
    documents = body["documents"]
    results = [{"index": i, "relevance_score": 1.0 / (i + 1)} for i, _ in enumerate(documents)]
    counted = tokens(documents) + len(documents) * tokens([body["query"]])  # each with its query
    return {"results": results[: body.get("top_n")], "usage": {"total_tokens": counted}}


def tokens(texts):
    return sum(TEMPLATE + len(text.split()) for text in texts)


class Target:
    """A client whose target answers what a function says."""

    timestamp_source = "kernel"

    def __init__(self, answer):
        self.answer, self.asked = answer, []

    def send(self, request, sink, exchange):
        exchange.started, exchange.status = time.monotonic(), 200
        if request.method == "GET":
            value = {"data": [{"id": "m"}]}
        else:
            self.asked.append(json.loads(request.body))
            value = self.answer(self.asked[-1])
        sink.feed(json.dumps(value).encode(), time.monotonic())
        sink.finish()
        exchange.ended = time.monotonic()


KINDS = {
    "embed": (EmbedService, EmbedOptions, EmbedUser, embedded),
    "rerank": (RerankService, RerankOptions, RerankUser, ranked),
}


def service(workload, answer=None, **options):
    kind, table, _, usual = KINDS[workload]
    found = kind(table(**options), "http://h")
    found.client = Target(answer or usual)
    assert found.preflight() == "m"
    return found


def asked(found, workload, iteration=0):
    """The sample of one request of a user's."""
    user = object.__new__(KINDS[workload][2])
    info = RunInfo(origin=time.monotonic(), origin_wall=0.0, boot="", users=1, workers=1, model="m", warm_up=0.0)
    user.run_context = SimpleNamespace(info=info, service=found, options=found.options)
    user.index, user.iteration, user._schedule = 0, iteration, None
    sample = Sample(request_id="r", user=0, iteration=iteration, worker="w", name="/", scheduled_ms=0.0)
    user.ask(sample)
    found.ended(sample, (0, iteration))
    return sample


def test_a_request_has_as_many_texts_as_asked_for_each_a_prompt_of_its_own():
    found = service("embed", inputs=8)
    sample = asked(found, "embed")
    assert (sample.outcome, sample.extra) == (Outcome.OK, {"items": 8, "dimensions": 2}), sample.detail
    for turn in (1, 2):
        asked(found, "embed", turn)
    texts = [text for body in found.client.asked[1:] for text in body["input"]]
    assert len(texts) == len(set(texts)) == 24  # all that are built in, none twice
    assert all(isinstance(text, str) for text in texts)


def test_a_query_comes_with_its_documents():
    found = service("rerank", documents=5)
    sample = asked(found, "rerank")
    assert (sample.outcome, sample.extra) == (Outcome.OK, {"items": 5}), sample.detail
    body = found.client.asked[-1]
    assert len({body["query"], *body["documents"]}) == 6


def test_a_conversation_of_a_file_is_one_text(tmp_path):
    file = tmp_path / "p.jsonl"
    file.write_text('{"messages": [{"role": "system", "content": "Be."}, {"role": "user", "content": "Hi"}]}\n"Yo"\n')
    found = service("embed", prompts=str(file), inputs=2)
    asked(found, "embed")
    assert sorted(found.client.asked[-1]["input"]) == ["Be.\n\nHi", "Yo"]


@pytest.mark.parametrize(
    ("workload", "words"), [("embed", {"inputs": 4}), ("rerank", {"documents": 4})], ids=["embed", "rerank"]
)
def test_made_texts_have_the_length_that_was_asked_for_by_the_targets_count(workload, words):
    found = service(workload, input_tokens="normal(60,10)", **words)
    rows = [asked(found, workload, turn) for turn in range(60)]
    assert sum(row.prompt_tokens for row in rows) == pytest.approx(
        sum(row.target_input_tokens for row in rows), rel=0.01
    )
    assert sum(row.prompt_tokens for row in rows) / 60 / 4 == pytest.approx(60, rel=0.05)


def test_lengths_that_each_text_cannot_have_are_refused_by_the_text():
    with pytest.raises(ConfigError, match=r"--input-tokens 2: no prompt of this target .*: give 3 or more"):
        service("embed", inputs=8, input_tokens="2")


@pytest.mark.parametrize(
    ("answer", "said"),
    {
        "one too few": (lambda body: cut(embedded(body), "data", 2), "the answer has 2 items instead of 3"),
        "one too many": (lambda body: cut(embedded(body | {"input": ["a"] * 4}), "data", 4), "the answer has 4 items"),
        "one twice": (lambda body: again(embedded(body), "data"), "indices are repeated, or beyond the 3 texts"),
        "another one": (lambda body: moved(embedded(body), "data"), "indices are repeated, or beyond the 3 texts"),
    }.values(),
)  # fmt: skip
def test_vectors_that_are_not_one_for_each_text_are_a_wrong_answer(answer, said):
    found = service("embed", inputs=3)
    found.client.answer = answer
    sample = asked(found, "embed")
    assert (sample.error, sample.outcome) == (ErrorClass.WRONG_ANSWER, Outcome.FAILED)
    assert sample.blame == "target"
    assert said in sample.detail


@pytest.mark.parametrize(
    "change",
    [lambda v: cut(v, "results", 2), lambda v: again(v, "results"), lambda v: moved(v, "results")],
    ids=["one too few", "one twice", "another one"],
)
def test_results_that_are_not_one_for_each_document_are_a_wrong_answer(change):
    found = service("rerank", documents=3)
    found.client.answer = lambda body: change(ranked(body))
    assert asked(found, "rerank").error is ErrorClass.WRONG_ANSWER


@pytest.mark.parametrize(("most", "results", "right"), [(2, 2, True), (2, 3, False), (9, 3, True), (9, 2, False)])
def test_a_ranking_may_be_of_the_best_documents_alone(most, results, right):
    found = service("rerank", documents=3, body=f"top_n={most}")
    found.client.answer = lambda body: cut(ranked(body | {"top_n": None}), "results", results)
    assert (asked(found, "rerank").outcome is Outcome.OK) == right


def cut(value, name, count):
    return value | {name: value[name][:count]}


def again(value, name):
    """The second item is that of the first text, too."""
    first, second, *others = value[name]
    return value | {name: [first, second | {"index": first["index"]}, *others]}


def moved(value, name):
    """Counted from 1."""
    return value | {name: [each | {"index": each["index"] + 1} for each in value[name]]}


@pytest.mark.parametrize(
    ("workload", "options", "said"),
    [
        ("embed", {"api": "openai"}, "use one of embeddings, ollama-embed"),
        ("rerank", {"api": "embeddings"}, "use one of rerank"),
        ("embed", {"output_tokens": "5"}, "--output-tokens: answers of this workload have no output tokens"),
    ],
)
def test_what_such_a_workload_cannot_do_is_refused_before_any_load(workload, options, said):
    kind, table, *_ = KINDS[workload]
    with pytest.raises(ConfigError, match=said):
        kind(table(**options), "http://h")


@pytest.mark.parametrize("workload", KINDS)
def test_items_a_second_are_a_metric_of_the_record(workload):
    (metric,) = WORKLOADS[workload].metrics
    assert (metric.name, metric.column, metric.read, metric.better) == ("items_per_s", "items", "rate", "higher")
    assert KINDS[workload][2].metrics == (metric,)
