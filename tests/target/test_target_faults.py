"""Each fault that can be injected, as a client sees it; and that chance is the seed's alone."""

from itertools import pairwise

import pytest
from wire import OLLAMA, Line, ask, post, the_log

from katydid.target.faults import FAULTS, STATUS_FAULTS, choose_fault, delays


def broken(start, fault, *, stream=True, path="/v1/chat/completions", timeout=5.0, **settings):
    """The answer, and its line of the log."""
    target = start(fail=(fault,), **settings)
    reply = ask(target, post(path, stream=stream), timeout)
    (line,) = the_log(target, 1)
    assert line["fault"] == fault
    return reply, line


def contents(reply):
    return reply.body.count(b'"content":" word"')


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(("fault", "status"), STATUS_FAULTS.items())
def test_a_status(start, fault, status, stream):
    reply, line = broken(start, fault, stream=stream)
    assert (reply.status, reply.end) == (status, "complete")
    assert reply.json["error"]["message"]
    assert (line["status"], line["chunks"], line["outcome"]) == (status, 0, "sent")


@pytest.mark.parametrize("interval", [0.0, 0.005])
@pytest.mark.parametrize(("fault", "end", "outcome"), [("reset", "reset", "broken_off"), ("cut", "eof", "broken_off")])
def test_a_stream_is_broken_off_in_the_middle(start, fault, end, outcome, interval):
    reply, line = broken(start, fault, chunk_interval=interval)
    assert (reply.status, reply.end) == (200, end)
    assert b"[DONE]" not in reply.body
    assert b'"finish_reason":"stop"' not in reply.body
    assert (line["status"], line["chunks"], line["outcome"]) == (200, 2, outcome)
    if fault == "cut":  # a reset may take with it what the client has not read yet
        assert contents(reply) == 2


def test_silence_in_the_middle_of_a_stream(start):
    reply, line = broken(start, "stall", timeout=0.3)
    assert (reply.status, reply.end, contents(reply)) == (200, "silence", 2)
    assert (line["chunks"], line["outcome"]) == (2, "client_closed")


@pytest.mark.parametrize("stream", [True, False])
def test_no_answer_at_all(start, stream):
    reply, line = broken(start, "hang", stream=stream, timeout=0.3)
    assert (reply.status, reply.end) == (0, "silence")
    assert (line["status"], line["outcome"]) == (None, "client_closed")


def test_an_end_in_form_without_reason_and_end_mark(start):
    reply, line = broken(start, "truncated")
    assert (reply.end, contents(reply)) == ("complete", 4)
    assert reply.events[-1]["choices"][0]["finish_reason"] is None
    assert (line["chunks"], line["outcome"]) == (4, "sent")


def test_an_error_in_the_middle_of_a_stream(start):
    reply, line = broken(start, "error_event")
    assert (reply.status, reply.end, contents(reply)) == (200, "complete", 2)
    assert reply.events[-2]["error"]["message"]
    assert reply.events[-1] == "[DONE]"
    assert (line["chunks"], line["completion_tokens"]) == (2, 2)


def test_an_event_that_cannot_be_parsed(start):
    reply, line = broken(start, "malformed")
    assert (reply.end, contents(reply)) == ("complete", 4)
    with pytest.raises(ValueError):
        reply.events  # noqa: B018 - parses them
    assert reply.body.endswith(b"data: [DONE]\n\n")
    assert line["chunks"] == 4


@pytest.mark.parametrize(("fault", "chunks"), [("empty", 0), ("too_few", 1)])
def test_a_proper_answer_with_too_little_in_it(start, fault, chunks):
    reply, line = broken(start, fault)
    assert (reply.end, contents(reply)) == ("complete", chunks)
    assert reply.events[-2]["choices"][0]["finish_reason"] == "stop"
    assert (line["chunks"], line["completion_tokens"]) == (chunks, chunks)


def test_faults_speak_ollama_too(start):
    assert broken(start, "error_event", path=OLLAMA)[0].lines[-1] == {"error": "injected error"}
    assert not broken(start, "truncated", path=OLLAMA)[0].lines[-1]["done"]
    with pytest.raises(ValueError):
        broken(start, "malformed", path=OLLAMA)[0].lines  # noqa: B018 - parses them
    assert [line["done"] for line in broken(start, "empty", path=OLLAMA)[0].lines] == [True]


# Answers in one piece


@pytest.mark.parametrize(
    ("fault", "end"), [("reset", "reset"), ("cut", "eof"), ("stall", "silence"), ("truncated", "complete")]
)
def test_half_of_an_answer_in_one_piece(start, fault, end):
    reply, line = broken(start, fault, stream=False, timeout=0.3)
    assert (reply.status, reply.end) == (200, end)
    if fault != "reset":
        assert reply.body.startswith(b'{"id"')
    with pytest.raises(ValueError):
        reply.json  # noqa: B018 - parses it
    assert line["chunks"] == 0


def test_an_answer_in_one_piece_that_is_wrong(start):
    assert broken(start, "empty", stream=False)[0].json["choices"][0]["message"]["content"] == ""
    assert broken(start, "too_few", stream=False)[0].json["usage"]["completion_tokens"] == 1
    assert broken(start, "error_event", stream=False)[0].json["error"]["message"]
    with pytest.raises(ValueError):
        broken(start, "malformed", stream=False)[0].json  # noqa: B018 - parses it


def test_after_a_fault_in_form_the_connection_goes_on(start):
    target = start(fail=("truncated=0.25", "error_event=0.25", "http_500=0.25", "malformed=0.25"))
    with Line(target) as line:
        assert {line.ask(post(stream=True)).end for _ in range(20)} == {"complete"}
    assert len({entry["fault"] for entry in the_log(target, 20)}) == 4


# Chance


def test_every_fault_is_tested_here():
    assert set(FAULTS) == set(STATUS_FAULTS) | {
        "reset", "truncated", "cut", "error_event", "empty", "too_few", "malformed", "hang", "stall",
    }  # fmt: skip


def test_the_same_seed_has_the_same_faults_at_every_start(start):
    def faults(seed):
        target = start(fail=("http_500=0.3", "empty=0.2"), seed=seed)
        with Line(target) as line:
            for _ in range(40):
                line.ask(post())
        return [entry["fault"] for entry in the_log(target, 40)]

    first = faults(1)
    assert first == faults(1)
    assert first != faults(2)
    assert set(first) == {"http_500", "empty", None}


def test_faults_come_as_often_as_their_rates_say():
    drawn = [choose_fault({"reset": 0.1, "hang": 0.3}, 7, number) for number in range(5000)]
    assert abs(drawn.count("reset") - 500) < 75
    assert abs(drawn.count("hang") - 1500) < 130
    assert choose_fault({}, 7, 0) is None
    assert {choose_fault({"cut": 1.0}, seed, 0) for seed in range(100)} == {"cut"}


def test_jitter_is_of_each_delay_and_of_seed_and_request_alone():
    def due(**changes):
        return delays(**{"ttft": 1.0, "interval": 0.1, "count": 200, "jitter": 0.2, "seed": 1, "number": 1} | changes)

    times = due()
    assert times == due()
    assert times != due(seed=2)
    assert times != due(number=2)
    assert 0.8 <= times[0] <= 1.2
    gaps = [b - a for a, b in pairwise(times)]
    assert min(gaps) >= 0.08
    assert max(gaps) <= 0.12
    assert max(gaps) - min(gaps) > 0.03
    assert due(jitter=0.0, count=3) == pytest.approx([1.0, 1.1, 1.2])
