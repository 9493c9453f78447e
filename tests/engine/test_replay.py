"""A trace as a run takes it: its options, the file, the pool that serves it, and the requests that a target gets."""

import hashlib
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from documents import manifest_with
from katydid.engine.options import RunOptions
from katydid.engine.options.load import spawn_rate_of, users_of
from katydid.engine.replay import replay_of
from katydid.engine.services.chat import ChatService
from katydid.engine.user import PacedUser
from katydid.load.pacing import Mode
from katydid.model.errors import ConfigError
from katydid.model.formatting import load_text
from katydid.model.sample import Sample
from katydid.workloads.chat import ChatOptions

USERS = [SimpleNamespace(ends_itself=False, workload="stream", default_users=1)]
CSV = "time,input,output\n0,100,5\n2,150,9\n10,120,7\n"
SAID = [{"role": "user", "content": "Hi"}]


@pytest.fixture
def trace(tmp_path, monkeypatch):
    """Writes a trace into the working folder; gives its name."""
    monkeypatch.chdir(tmp_path)

    def write(text=CSV, name="t.csv"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return name

    return write


def test_a_trace_decides_when_requests_are_due(trace):
    options = RunOptions(trace=trace(), trace_speed=2.0)
    options.check_arrivals(USERS)
    assert options.mode is Mode.TRACE
    assert list(options.replay.trace.due) == [0.0, 1.0, 5.0]
    assert options.replay is options.replay, "one copy in memory"
    assert options.expected_time(None, 5) == 5.0
    assert options.expected_time(3.0, 5) == 3.0


def test_a_window_and_a_number_of_requests_cut_it(trace):
    assert list(RunOptions(trace=trace(), trace_window="1s-20s").replay.trace.due) == [1.0, 9.0]
    assert list(RunOptions(trace=trace(), requests=2).replay.trace.due) == [0.0, 2.0]
    assert len(RunOptions(trace=trace(), requests=99).replay.trace) == 3


def test_the_manifest_says_what_was_due(trace):
    options = RunOptions(trace=trace(), trace_speed=2.0)
    facts = options.arrival_facts()
    assert (facts["schedule"], facts["trace"]) == ("trace", "t.csv")
    assert (facts["trace_requests"], facts["trace_speed"], facts["trace_span_s"]) == (3, 2.0, 5.0)
    assert len(facts["trace_sha256"]) == 64
    assert options.due_facts(None, 0.0) == {"trace_due_ms": [0.0, 1000.0, 5000.0], "trace_shared": 0.0}
    assert options.due_facts(1.5, 0.0)["trace_due_ms"] == [0.0, 1000.0]
    told = load_text(manifest_with(facts | {"users": 100}))
    assert told == "3 requests of the trace t.csv in 5 s, 2 times as fast, at most 100 in flight"
    assert RunOptions().due_facts(None, 0.0) == {}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"rate": 5.0}, "--rate 5 and --trace t.csv are mutually exclusive: give one of them"),
        ({"interval": 5.0}, "--interval 5 and --trace t.csv are mutually exclusive"),
        ({"concurrency": 5}, "--concurrency 5 and --trace t.csv are mutually exclusive"),
        ({"arrivals": "poisson"}, "--arrivals applies only to a rate"),
        ({"phase": "burst"}, "--phase burst does not apply to --trace"),
        ({"ramp": 2.0}, "--ramp 2: a trace sets its own start times"),
        ({"trace": "none.csv"}, "--trace none.csv: no such file or directory"),
        ({"trace": "."}, "--trace .: is a directory"),
        ({"trace_window": "20s-30s"}, "--trace t.csv: no request is in that window: the trace lasts 10 s"),
        ({"trace": None, "trace_speed": 2.0}, "--trace-speed applies only to a trace: give --trace"),
        ({"trace": None, "trace_window": "0s-2s"}, "--trace-window applies only to a trace: give --trace"),
    ],
)
def test_what_contradicts_it_is_refused(trace, more, message):
    with pytest.raises(ConfigError) as refused:
        RunOptions(**{"trace": trace()} | more).check_arrivals(USERS)
    assert str(refused.value).startswith(message)


def test_a_bad_line_is_named_with_its_file(trace):
    with pytest.raises(ConfigError, match=r"^--trace t.csv: line 5 time is 'x'"):
        RunOptions(trace=trace(CSV + "x,1,2\n")).check_arrivals(USERS)


def test_a_device_without_an_end_is_no_trace():
    with pytest.raises(ConfigError, match="--trace /dev/zero: "):
        RunOptions(trace="/dev/zero").check_arrivals(USERS)


def test_it_is_known_by_what_the_whole_file_says(trace):
    path = trace()
    assert RunOptions(trace=path).replay.sha256 == hashlib.sha256(Path(path).read_bytes()).hexdigest()


def test_load_shapes_and_users_with_times_of_their_own_take_none(trace):
    options = RunOptions(trace=trace())
    with pytest.raises(ConfigError, match=r"--trace t.csv: a load shape sets its users itself"):
        options.check_shape(staged=True)
    with pytest.raises(ConfigError, match="--trace: the workload burst sets its own start times"):
        options.check_arrivals([SimpleNamespace(ends_itself=True, workload="burst")])
    with pytest.raises(ConfigError, match="--users 1 is too few for --trace in 2 processes"):
        options.check_processes(1, 2)


def test_a_workload_that_holds_conversations_has_turns_of_its_own(trace):
    with pytest.raises(ConfigError, match=r"--trace t.csv: a trace has its own conversations: replay it with stream"):
        ChatOptions(trace=trace()).check_arrivals(USERS)


def test_the_pool_is_generous_for_the_busiest_part_of_the_trace(trace):
    busy = "time,input,output\n0,1,1\n" + "500,1,1\n" * 300
    options = SimpleNamespace(
        num_users=None, spawn_rate=None, ramp=0.0, concurrency=None, rate=None, trace=trace(busy), trace_window=None,
        trace_speed=1.0, requests=None,
    )  # fmt: skip
    assert users_of(options, []) == 300
    options.num_users = 300
    assert spawn_rate_of(options) == 300.0


def test_requests_without_an_answer_are_told(trace):
    assert replay_of(trace(CSV + "3,5,0\n"), None, 1.0, None).told.startswith("1 request of the trace without")


# What a target gets


class Silent:
    """A client that is never asked."""

    timestamp_source = "kernel"


def bodies(**options):
    service = ChatService(RunOptions(preflight="off", model="m", **options), "http://h")
    service.client = Silent()
    service.preflight()
    found = []
    for number in range(len(service.options.replay.trace)):
        sample = Sample(request_id="r", user=4, iteration=9, worker="local", name="n", scheduled_ms=0.0)
        found.append((sample, json.loads(service.request_for(sample, (0, number), stream=True).body)))
        service.ended(sample, (0, number))
    return found, service


def test_requests_have_the_lengths_of_the_trace(trace):
    found, service = bodies(trace=trace())
    assert [len(body["messages"][0]["content"].split()) for _, body in found] == [100, 150, 120]
    for (sample, body), (asked, answer) in zip(found, [(100, 5), (150, 9), (120, 7)], strict=True):
        assert (sample.target_input_tokens, sample.target_output_tokens) == (asked, answer)
        assert (body["max_tokens"], body["min_tokens"], body["ignore_eos"]) == (answer, answer, True)
    assert service.facts()["prompts"] == "made"
    assert service.making._ready == {}, "nothing is made before its time, or kept after it"
    assert "so the lengths of the trace are counted in words" in service.note


def test_messages_are_sent_as_they_are(trace):
    lines = [{"timestamp": 0, "messages": SAID, "max_tokens": 9}, {"timestamp": 1, "messages": SAID * 2}]
    found, service = bodies(trace=trace("\n".join(map(json.dumps, lines)), "t.jsonl"))
    assert [body["messages"] for _, body in found] == [SAID, SAID * 2]
    assert [body["max_tokens"] for _, body in found] == [9, 128]
    assert [sample.prompt_id for sample, _ in found] == ["1", "2"]
    assert service.facts()["prompts"] == "t.jsonl (2)"


def test_messages_may_have_answers_of_a_length(trace):
    line = {"timestamp": 0, "messages": SAID, "output_length": 33}
    ((sample, body),), _ = bodies(trace=trace(json.dumps(line), "t.jsonl"))
    assert (body["messages"], body["max_tokens"], body["min_tokens"]) == (SAID, 33, 33)
    assert (sample.target_input_tokens, sample.target_output_tokens) == (None, 33)


def test_times_alone_leave_the_prompts_to_the_other_options(trace):
    found, _ = bodies(trace=trace("time\n0\n1\n"), input_tokens="60")
    assert [len(body["messages"][0]["content"].split()) for _, body in found] == [60, 60]
    found, _ = bodies(trace=trace("time\n0\n1\n"))
    assert len({sample.prompt_id for sample, _ in found}) == 2


@pytest.mark.parametrize("flag", ["input_tokens", "output_tokens", "shared_prefix"])
def test_what_a_trace_says_no_other_option_may_say(trace, flag):
    with pytest.raises(ConfigError, match=f"--{flag.replace('_', '-')} 50: the trace sets the lengths"):
        bodies(trace=trace(), **{flag: "50"})


def test_nor_may_a_file_of_prompts(trace):
    trace("Hi\n", "p.txt")
    with pytest.raises(ConfigError, match=r"--prompts p.txt: the trace sets the lengths"):
        bodies(trace=trace(), prompts="p.txt")


# The users that serve it


class StoppedError(Exception):
    """A user has slept long enough."""


def test_a_user_that_has_no_request_left_tells_so_and_stays(monkeypatch):
    told, slept = [], []

    def sleep(seconds):
        slept.append(seconds)
        if len(slept) == 3:
            raise StoppedError

    monkeypatch.setattr("katydid.engine.user.gevent.sleep", sleep)
    stopper = SimpleNamespace(all_started=lambda: told.append(len(slept)))
    schedule = SimpleNamespace(wait=lambda _: None, spent=False)
    user = SimpleNamespace(_pause=None, _schedule=schedule, run_context=SimpleNamespace(stopper=stopper))
    with pytest.raises(StoppedError):
        PacedUser.wait_time(user)
    assert told == []
    schedule.spent = True
    slept.clear()
    with pytest.raises(StoppedError):
        PacedUser.wait_time(user)
    assert told == [0, 1, 2]
