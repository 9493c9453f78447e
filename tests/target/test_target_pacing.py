"""When chunks go out: at their own deadlines, without drift, or as fast as the client takes them."""

import asyncio
import time
from contextlib import ExitStack

import pytest
from wire import Line, ask, post, the_log

from katydid.target.ticker import Ticker


def span(line, first, last):
    return (line[f"{last}_mono_ns"] - line[f"{first}_mono_ns"]) / 1e6


def test_pacing_does_not_drift(start):
    target = start(ttft=0.05, chunk_interval=0.005, chunks=200)
    for _ in range(2):
        assert ask(target, post(stream=True)).status == 200
    late = [span(line, "received", "last_chunk") - 50 - 199 * 5 for line in the_log(target, 2)]
    assert min(late) > -2
    assert min(late) < 50, "half a millisecond a chunk, adding up, would be 100"


def test_many_streams_keep_their_time_together(start):
    target = start(ttft=0.1, chunk_interval=0.02, chunks=30)
    with ExitStack() as stack:
        lines = [stack.enter_context(Line(target)) for _ in range(50)]
        for line in lines:
            line.send(post(stream=True))
        assert {line.read().end for line in lines} == {"complete"}
    late = sorted(span(line, "received", "last_chunk") - 100 - 29 * 20 for line in the_log(target, 50))
    assert late[0] > -2
    assert late[25] < 60


def test_each_paced_chunk_goes_out_alone(start):
    target = start(ttft=0.0, chunk_interval=0.5, chunks=3)
    with Line(target) as line:
        line.send(post(stream=True))
        arrivals = []
        while len(arrivals) < 3:
            line._until(b"word")
            arrivals.append(time.monotonic())
    assert arrivals[1] - arrivals[0] > 0.02
    assert arrivals[2] - arrivals[1] > 0.02


def test_an_early_role_comes_long_before_the_content(start):
    target = start(ttft=0.2, chunks=3, early_role=True)
    with Line(target) as line:
        began = time.monotonic()
        line.send(post(stream=True))
        line._until(b'"assistant"')
        early = time.monotonic() - began
        assert b"word" not in line.buffer
        line._until(b"word")
        assert time.monotonic() - began > 0.19
    assert early < 0.19


@pytest.mark.parametrize(("settings", "least", "most"), [({}, 0.1, 2), ({"duration": 0.3}, 0.29, 2.3)])
def test_an_answer_in_one_piece_takes_its_duration(start, settings, least, most):
    target = start(**{"ttft": 0.04, "chunk_interval": 0.02, "chunks": 4} | settings)
    began = time.monotonic()
    ask(target, post(stream=False))
    assert least - 0.002 <= time.monotonic() - began < most


def test_jitter_varies_a_given_duration_too(start):
    target = start(ttft=0.01, duration=0.1, jitter=0.9)
    for _ in range(8):
        ask(target, post(stream=False))
    took = [span(line, "received", "ended") for line in the_log(target, 8)]
    assert max(took) - min(took) > 20


@pytest.mark.parametrize("chunks", [1, 5000])
def test_a_burst_is_whole_and_in_large_writes(start, chunks):
    target = start(chunks=chunks, ttft=0.0)
    with Line(target) as line:
        for _ in range(2):
            reply = line.ask(post(stream=True))
            assert len(reply.pieces) == chunks + 3
            assert reply.events[-1] == "[DONE]"


def test_a_burst_waits_for_a_client_that_does_not_read(start):
    target = start(chunks=100_000, ttft=0.0)
    with Line(target) as slow:
        slow.send(post(stream=True))
        time.sleep(0.2)
        assert target.log() == [], "its 20 MB are not piled up in memory"
        assert ask(target, post(max_tokens=1)).status == 200, "others are served meanwhile"
        end = b""
        while not end.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n"):
            end = end[-64:] + slow.sock.recv(1 << 20)
    assert max(line["chunks"] for line in the_log(target, 2)) == 100_000


# The ticker


def run_ticks(*scripts, seconds=0.1):
    """Start steps of a ticker, each with its delay; what the event loop complained of."""
    complaints = []

    async def main():
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: complaints.append(context["exception"]))
        ticker = Ticker(loop)
        for delay, step in scripts:
            ticker.at(ticker.now() + delay, step)
        await asyncio.sleep(seconds)

    asyncio.run(main())
    return complaints


def test_steps_are_called_in_the_order_of_their_deadlines():
    called = []
    run_ticks((0.03, lambda: called.append("third")), (0.0, lambda: called.append("first")),
              (0.01, lambda: called.append("second")))  # fmt: skip
    assert called == ["first", "second", "third"]


def test_a_step_says_when_it_wants_to_be_called_again():
    due = [time.monotonic() + 0.01 * i for i in range(1, 6)]
    called = []

    def step():
        called.append(time.monotonic())
        return due[len(called)] if len(called) < 5 else None

    run_ticks((0.0, step), seconds=0.3)
    assert len(called) == 5
    assert all(when >= wanted - 0.001 for when, wanted in zip(called[1:], due[1:], strict=True))


def test_a_step_that_raises_does_not_silence_the_others():
    called = []
    complaints = run_ticks((0.0, lambda: 1 / 0), (0.0, lambda: called.append("same tick")),
                           (0.02, lambda: called.append("later")))  # fmt: skip
    assert called == ["same tick", "later"]
    assert [type(each) for each in complaints] == [ZeroDivisionError]
