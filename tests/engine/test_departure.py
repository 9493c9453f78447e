"""A client that leaves hangs up when it is to, and its row says so: no success, no failure, no latency."""

import time
from types import SimpleNamespace

import gevent
import pytest
from gevent import GreenletExit

from katydid.dialects import dialect
from katydid.engine.options import RunOptions
from katydid.engine.recorder import Recorder
from katydid.engine.run_info import RunInfo
from katydid.engine.services.chat import ChatService
from katydid.engine.user import PacedUser
from katydid.model.errors import ConfigError
from katydid.model.redact import Redactor
from katydid.model.sample import ErrorClass, Outcome, Sample
from katydid.runs.rows import decode, sample_schema
from katydid.target.process import start_target
from katydid.transport import open_client
from katydid.transport.exchange import VERIFIED, Request, Timeouts

CHUNK = b'data: {"choices":[{"delta":{"content":"x"}}]}\n\n'
END = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
BODY = b'{"model":"katydid-small","messages":[{"role":"user","content":"Hi"}],"stream":true}'
REQUEST = Request("POST", "/v1/chat/completions", (), BODY, "r")


class Client:
    """Each part of the answer comes after a pause; what becomes of the request is what `error` says."""

    def __init__(self, parts, pause=0.0, error=None, dials=0.0):
        self.parts, self.pause, self.error, self.dials, self.fed = parts, pause, error, dials, 0
        self.status = 200

    def send(self, request, sink, exchange):
        gevent.sleep(self.dials)
        exchange.started, exchange.status = time.monotonic(), self.status
        for part in self.parts:
            gevent.sleep(self.pause)
            self.fed += 1
            sink.feed(part, time.monotonic())
        if self.error:
            exchange.fail(self.error, "")
            return
        sink.finish()
        exchange.ended = time.monotonic()


def asked(abandon, client):
    """The row of a request of a user whose client leaves."""
    info = RunInfo(origin=time.monotonic(), origin_wall=0.0, boot="", users=1, workers=1, model="m", warm_up=0.0)
    user = object.__new__(PacedUser)
    service, options = SimpleNamespace(client=client), RunOptions(abandon=abandon)
    user.run_context = SimpleNamespace(info=info, service=service, options=options)
    user.index, user.iteration, user._schedule = 0, 0, None
    sample = Sample(request_id="r", user=0, iteration=0, worker="w", name="/", scheduled_ms=0.0)
    user.exchange(sample, REQUEST, dialect("openai").stream_parser("count"))
    return sample


def test_after_a_time():
    client = Client([CHUNK] * 9, pause=0.01)
    sample = asked("100%@35ms", client)
    assert (sample.outcome, sample.error, sample.blame, sample.duration_ms) == (Outcome.ABANDONED, None, None, None)
    assert sample.abandoned_ms >= 35.0
    assert sample.chunks == client.fed < 9, "what came until then is told"
    assert sample.start_ms is not None


def test_with_a_chunk_and_not_before():
    client = Client([CHUNK] * 3 + [CHUNK * 4] + [CHUNK] * 9, pause=0.001)
    sample = asked("100%@5chunks", client)
    assert (sample.outcome, sample.chunks, client.fed) == (Outcome.ABANDONED, 7, 4), "a read may bring several"


@pytest.mark.parametrize("abandon", ["100%@30s", "100%@4chunks", "1%@1chunk", None])
def test_an_answer_that_ends_before_is_one_like_any_other(abandon):
    sample = asked(abandon, Client([*[CHUNK] * 3, CHUNK + END]))
    assert (sample.outcome, sample.abandoned_ms, sample.chunks) == (Outcome.OK, None, 4)
    assert sample.duration_ms is not None


def test_a_failure_before_is_a_failure():
    sample = asked("100%@30s", Client([CHUNK], error=ErrorClass.RESET))
    assert (sample.outcome, sample.error) == (Outcome.FAILED, ErrorClass.RESET)


@pytest.mark.parametrize(
    ("part", "status", "error"),
    [
        (b'data: {"error":{"message":"out of memory"}}\n\n', 200, ErrorClass.SERVER_ERROR_EVENT),
        (b"data: {broken\n\n", 200, ErrorClass.MALFORMED),
        (b"busy", 503, ErrorClass.OVERLOADED),
    ],
)
def test_so_is_what_the_target_had_told_before_its_client_left(part, status, error):
    client = Client([part, CHUNK, CHUNK], pause=0.02)
    client.status = status
    sample = asked("100%@30ms", client)
    assert (sample.outcome, sample.error, sample.abandoned_ms) == (Outcome.FAILED, error, None)


def test_its_time_begins_with_the_request_and_not_with_its_connection():
    sample = asked("100%@30ms", Client([CHUNK] * 3, pause=1.0, dials=0.02))
    assert sample.outcome is Outcome.ABANDONED
    assert 30.0 <= sample.abandoned_ms < 900.0


def test_it_also_leaves_where_no_connection_comes_about():
    sample = asked("100%@30ms", Client([CHUNK], dials=9.0))
    assert (sample.outcome, sample.start_ms) == (Outcome.ABANDONED, None)
    assert sample.abandoned_ms >= 30.0


def test_the_end_of_the_run_is_not_its_own_leaving():
    ended = []

    def run():
        try:
            asked("100%@30s", Client([CHUNK] * 3, pause=9.0))
        except GreenletExit:
            ended.append(True)
            raise

    greenlet = gevent.spawn(run)
    gevent.sleep(0.01)
    greenlet.kill()
    assert ended == [True]


def test_locust_is_not_told_of_it_and_the_row_says_when_it_ended():
    fired = []
    recorder = Recorder(
        SimpleNamespace(events=SimpleNamespace(request=SimpleNamespace(fire=lambda **event: fired.append(event)))),
        SimpleNamespace(halted=False, admit=lambda: pytest.fail("it is counted as a failure")),
        RunInfo(origin=time.monotonic(), origin_wall=0.0, boot="", users=1, workers=1, model="m", warm_up=0.0),
        schema=sample_schema(), worker="local", redactor=Redactor([]), stage=lambda: None,
    )  # fmt: skip
    recorder.finish(asked("100%@5ms", Client([CHUNK] * 9, pause=0.01)), "STREAM", 0.0)
    (row,) = decode(recorder.buffer.drain()).to_pylist()
    assert (row["outcome"], row["duration_ms"], fired) == ("abandoned", None, [])
    assert row["ended_ms"] >= row["start_ms"] + row["abandoned_ms"] > row["start_ms"]


def test_whole_answers_have_no_chunks_to_leave_by():
    class Whole(ChatService):
        streams = False

    with pytest.raises(ConfigError, match=r"^--abandon 10%@20chunks: non-streamed answers have no chunks: give a time"):
        Whole(RunOptions(abandon="10%@20chunks"), "http://127.0.0.1:9")
    Whole(RunOptions(abandon="10%@2s"), "http://127.0.0.1:9")


@pytest.mark.parametrize("name", ["fast", "requests"])
def test_the_target_sees_the_connection_close(tmp_path, name):
    log = str(tmp_path / "truth.jsonl")
    with start_target(ttft=0.01, chunk_interval=0.01, chunks=400, log=log) as target:
        client = open_client(name, target.url, Timeouts(), VERIFIED)
        left = [asked("100%@4chunks", client), asked("100%@200ms", client)]  # `requests` is slow at its first
        until = time.monotonic() + 5.0
        while len(target.log()) < 2 and time.monotonic() < until:
            gevent.sleep(0.01)
        seen = target.log()
        assert client.open_connections == 0
        client.close()
    assert [sample.outcome for sample in left] == [Outcome.ABANDONED] * 2
    assert [truth["outcome"] for truth in seen] == ["client_closed"] * 2
    assert left[0].chunks >= 4
    assert all(sample.chunks <= truth["chunks"] < 400 for sample, truth in zip(left, seen, strict=True))
