"""Requests whose lengths a run draws, as a target gets them."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from katydid.dialects import DIALECTS
from katydid.dialects.base import TEXT, answers_of
from katydid.engine.options import RunOptions
from katydid.engine.services import making
from katydid.engine.services.chat import ChatService
from katydid.load.made.text import WORDS
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
    body = found.request_for(sample, (user, iteration), stream=True).body
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
    assert making.NOT_COUNTED in found.note
    assert len(json.loads(sent(found)[1])["messages"][0]["content"].split()) == 100


def test_without_a_look_there_are_no_probes():
    client = Counting()
    found = service(client, input_tokens="100", preflight="off", model="m")
    assert found.preflight() == "m"
    assert client.asked == []
    assert making.NO_PROBES in found.note
    assert found.facts()["calibration"]["source"] == "none"


def test_prompts_shorter_than_the_targets_template_are_refused_before_any_load():
    with pytest.raises(ConfigError, match=r"its template has 3[12] tokens.*give 3[23] or more"):
        looked(input_tokens="20")
    with pytest.raises(ConfigError, match="the shared prefix 500"):
        looked(input_tokens="400", shared_prefix="500")


def test_lengths_that_the_template_makes_impossible_are_told():
    assert "are below the minimum 3" in looked(input_tokens="uniform(1,400)").note
    assert looked(input_tokens="uniform(100,400)").note == ""


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
    found.ended(sample, (0, 0))
    built = found.making._ready[0, 1]
    monkeypatch.setattr(found.making, "_build", None)
    assert sent(found, iteration=1)[1] is built.body
    assert set(found.making._ready) == {(0, 1)}


def test_nothing_is_built_ahead_where_users_take_requests_as_they_come():
    found = looked(input_tokens="300")
    sample = sample_of(user=3, iteration=2)
    found.request_for(sample, (0, 17), stream=True)
    found.ended(sample, (0, 17))
    assert found.making._ready == {}


def test_a_request_that_is_tried_again_is_built_again_and_counted_once():
    found = looked(input_tokens="300")
    for _ in range(3):
        found.ended(sent(found)[0], (0, 0))
    assert set(found.making._ready) == {(0, 1)}
    assert found.making._bytes == len(found.making._ready[0, 1].body)


def test_bodies_that_wait_are_bounded_in_memory(monkeypatch):
    monkeypatch.setattr(making, "AHEAD", 3000)
    found = looked(input_tokens="200")
    for user in range(50):
        found.ended(sent(found, user)[0], (user, 0))
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


@pytest.mark.parametrize("api", sorted(name for name, each in DIALECTS.items() if answers_of(each) == TEXT))
def test_every_api_that_answers_with_text_sends_the_length_as_its_limit(api):
    found = service(input_tokens="50", output_tokens="77", api=api, model="m", preflight="off")
    found.preflight()
    body = sent(found)[1].decode()
    assert "77" in body
    assert ("ignore_eos" in body) == (api in {"openai", "completions"})


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


class Pieces:
    """A tokenizer of pieces of three letters, as the package `tokenizers` has it."""

    def encode(self, text, *, add_special_tokens):
        assert not add_special_tokens
        ids = [word[start : start + 3] for word in text.split() for start in range(0, len(word), 3)]
        return SimpleNamespace(ids=ids)

    @classmethod
    def from_file(cls, path):
        if "{" not in Path(path).read_text():
            raise Exception("expected value\nat line 1")  # noqa: TRY002 - as the package does
        return cls()


def content(body):
    return json.loads(body)["messages"][0]["content"]


def test_a_tokenizers_file_makes_prompts_exact(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tokenizers", SimpleNamespace(Tokenizer=Pieces))
    path = tmp_path / "tokenizer.json"
    path.write_text("{}")
    found = looked(input_tokens="uniform(100,900)", tokenizer=str(path))
    assert found.calibration["source"] == "both"
    for user in range(20):
        sample, body = sent(found, user)
        tokens = len(Pieces().encode(content(body), add_special_tokens=False).ids)
        assert tokens == round(sample.target_input_tokens - found.calibration["overhead"])
    path.write_text("no")
    with pytest.raises(ConfigError, match=r"cannot be read \(expected value at line 1\)"):
        service(input_tokens="200", tokenizer=str(path))


def test_without_the_package_a_tokenizer_is_refused_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    path = tmp_path / "tokenizer.json"
    path.write_text("{}")
    with pytest.raises(ConfigError, match=r"pip install katydid\[tokenizer\]"):
        service(input_tokens="200", tokenizer=str(path))


def test_the_packages_own_tokenizers_count_as_they_should(tmp_path):
    tokenizers = pytest.importorskip("tokenizers")
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    trainer = tokenizers.trainers.BpeTrainer(vocab_size=500, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator([" ".join(WORDS)], trainer)
    path = tmp_path / "tokenizer.json"
    tokenizer.save(str(path))
    found = service(input_tokens="777", tokenizer=str(path), preflight="off", model="m")
    found.preflight()
    for user in range(20):
        assert len(tokenizer.encode(content(sent(found, user)[1])).ids) == 777
