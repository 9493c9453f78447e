"""Requests whose lengths a run draws, as a target gets them."""

import json

import pytest

from katydid.dialects import DIALECTS
from katydid.engine.options import RunOptions
from katydid.engine.services import making
from katydid.engine.services.chat import ChatService
from katydid.model.errors import ConfigError
from katydid.model.sample import Sample
from katydid.workloads.tools import ToolsOptions
from katydid.workloads.tools.user import ToolsService

TEMPLATE = 31


def tokens_of(word):
    return 2 if len(word) > 6 else 1


def counted(body):
    """A target's count: its template, and a word of many letters for two."""
    return TEMPLATE + sum(map(tokens_of, json.loads(body)["messages"][-1]["content"].split()))


class Counting:
    """A client whose target counts the tokens of prompts, streams or not, and refuses fields it does not know."""

    timestamp_source = "kernel"

    def __init__(self, *, counts=True, refused=(), streamed=False):
        self.counts, self.refused, self.streamed = counts, refused, streamed
        self.asked = []

    def send(self, request, sink, exchange):
        if request.method == "GET":
            exchange.status = 200
            sink.feed(b'{"data": [{"id": "m"}]}', 0.0)
            return
        body = json.loads(request.body)
        self.asked.append(body)
        wrong = [name for name in self.refused if name in body]
        if wrong:
            exchange.status, exchange.body = 400, json.dumps({"error": f"unknown field {wrong[0]}"}).encode()
            return
        exchange.status = 200
        usage = {"usage": {"prompt_tokens": counted(request.body), "completion_tokens": 1}} if self.counts else {}
        if self.streamed:
            exchange.headers = {"content-type": "text/event-stream; charset=utf-8"}
            content = {"choices": [{"delta": {"content": "a"}, "finish_reason": "length"}]}
            for event in (content, {"choices": []} | usage):
                sink.feed(b"data: " + json.dumps(event).encode() + b"\n\n", 0.0)
            sink.feed(b"data: [DONE]\n\n", 0.0)
        else:
            choice = {"message": {"content": "a"}, "finish_reason": "length"}
            sink.feed(json.dumps({"choices": [choice]} | usage).encode(), 0.0)


def service(client=None, kind=ChatService, **options):
    found = kind(RunOptions(**options), "http://h")
    found.client = client or Counting()
    return found


def looked(client=None, **options):
    found = service(client, **options)
    assert found.preflight() == "m"
    return found


def sample_of(user=0, iteration=0):
    return Sample(request_id="r", user=user, iteration=iteration, worker="local", name="n", scheduled_ms=0.0)


def sent(found, user=0, iteration=0):
    sample = sample_of(user, iteration)
    body = found.request_of(sample, stream=True).body
    return sample, body


@pytest.mark.parametrize("streamed", [False, True])
def test_two_probes_calibrate_prompts_by_the_targets_own_count(streamed):
    client = Counting(streamed=streamed)
    found = looked(client, input_tokens="normal(600,100)")
    assert len(client.asked) == 3  # the look, and the probes
    assert all(body["max_tokens"] <= 16 for body in client.asked)
    rows = [sent(found, user) for user in range(200)]
    realised = [counted(body) for _, body in rows]
    asked = [sample.target_input_tokens for sample, _ in rows]
    assert sum(realised) == pytest.approx(sum(asked), rel=0.005)
    assert all(abs(got - wanted) <= 0.05 * wanted for got, wanted in zip(realised, asked, strict=True))
    assert len(set(asked)) > 50


def test_a_target_that_counts_nothing_gets_words_and_that_is_told():
    found = looked(Counting(counts=False), input_tokens="100")
    assert found.note == making.NOT_COUNTED
    assert len(json.loads(sent(found)[1])["messages"][0]["content"].split()) == 100


def test_without_a_look_there_are_no_probes():
    client = Counting()
    found = service(client, input_tokens="100", preflight="off", model="m")
    assert found.preflight() == "m"
    assert client.asked == []
    assert found.facts()["calibration"]["source"] == "none"


def test_prompts_shorter_than_the_targets_template_are_refused_before_any_load():
    with pytest.raises(ConfigError, match=r"its template has 3[12] tokens.*ask for 3[23] or more"):
        looked(input_tokens="20")
    with pytest.raises(ConfigError, match="the shared prefix 500"):
        looked(input_tokens="400", shared_prefix="500")


def test_workers_make_the_prompts_that_the_process_that_looked_would_make():
    first = looked(input_tokens="300", seed=4)
    worker = service(input_tokens="300", seed=4)
    worker.calibrate(first.calibration)
    worker.begin("m")
    assert [sent(worker, user)[1] for user in range(5)] == [sent(first, user)[1] for user in range(5)]


def test_a_body_is_built_ahead_once_the_users_last_request_has_ended(monkeypatch):
    found = looked(input_tokens="300")
    sample, body = sent(found)
    assert sent(found)[1] is body
    found.ended(sample)
    built = found.making._ready[0, 1]
    monkeypatch.setattr(found.making, "_build", None)
    assert sent(found, iteration=1)[1] is built.body
    assert set(found.making._ready) == {(0, 1)}


def test_bodies_that_wait_are_bounded_in_memory(monkeypatch):
    monkeypatch.setattr(making, "AHEAD", 3000)
    found = looked(input_tokens="200")
    for user in range(50):
        found.ended(sent(found, user)[0])
    assert 0 < sum(len(built.body) for built in found.making._ready.values()) < 3000 + 1500
    assert json.loads(sent(found, 49, 1)[1])["messages"]


def test_answers_are_forced_to_their_length():
    found = looked(output_tokens="uniform(10,90)", max_tokens=500)
    for user in range(10):
        sample, body = sent(found, user)
        fields = json.loads(body)
        assert fields["max_tokens"] == fields["min_tokens"] == sample.target_output_tokens
        assert fields["ignore_eos"] is True
        assert 10 <= sample.target_output_tokens <= 90
        assert sample.target_input_tokens is None


@pytest.mark.parametrize(("refused", "left"), [(["ignore_eos"], {"min_tokens"}), (["ignore_eos", "min_tokens"], set())])
def test_what_a_target_refuses_of_that_is_left_out_and_nothing_else(refused, left):
    found = looked(Counting(refused=refused), output_tokens="50", input_tokens="200")
    fields = set(json.loads(sent(found)[1]))
    assert fields & {"min_tokens", "ignore_eos"} == left
    assert {"max_tokens", "temperature", "seed"} <= fields
    assert found.calibration["source"] == "target"


def test_a_field_of_the_persons_own_comes_last():
    found = looked(output_tokens="50", body="ignore_eos=\nmin_tokens=7")
    fields = json.loads(sent(found)[1])
    assert (fields["min_tokens"], "ignore_eos" in fields) == (7, False)


@pytest.mark.parametrize("api", sorted(DIALECTS))
def test_every_api_sends_the_length_as_its_limit(api):
    found = service(input_tokens="50", output_tokens="77", api=api, model="m", preflight="off")
    found.preflight()
    body = sent(found)[1].decode()
    assert "77" in body
    assert ("ignore_eos" in body) == (api == "openai")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"input_tokens": "100", "prompts": "p.txt"}, "leave out --prompts"),
        ({"shared_prefix": "50"}, "give --input-tokens"),
        ({"tokenizer": "t.json"}, "give --input-tokens"),
        ({"input_tokens": "100", "tokenizer": "no-such-file.json"}, "is not a file"),
    ],
)
def test_options_that_contradict_each_other_are_refused(options, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.txt").write_text("hello\n")
    with pytest.raises(ConfigError, match=said):
        service(**options)


def test_a_workload_that_says_itself_what_it_asks_refuses_lengths():
    with pytest.raises(ConfigError, match="leave them out"):
        ToolsService(ToolsOptions(output_tokens="50"), "http://h")


def test_a_tokenizers_file_makes_prompts_exact(tmp_path):
    tokenizers = pytest.importorskip("tokenizers")
    model = tokenizers.models.WordLevel({"[UNK]": 0, "the": 1}, unk_token="[UNK]")
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    path = tmp_path / "tokenizer.json"
    tokenizer.save(str(path))
    found = looked(input_tokens="200", tokenizer=str(path))
    assert found.calibration["source"] == "both"
    (tmp_path / "bad.json").write_text("{}")
    with pytest.raises(ConfigError, match=r"tokenizer.json$"):
        service(input_tokens="200", tokenizer=str(tmp_path / "bad.json"))
