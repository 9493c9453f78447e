"""One request of any workload: sent, measured as its answer is, and judged, also when its greenlet is killed."""

import time
from types import SimpleNamespace
from typing import ClassVar

import pytest
from gevent import GreenletExit

from katydid.dialects import dialect
from katydid.dialects.answer_parser import AnswerParser
from katydid.engine.options import RunOptions
from katydid.engine.run_info import RunInfo
from katydid.engine.user import PacedUser
from katydid.model.errors import ConfigError
from katydid.model.sample import ErrorClass, Outcome, Sample
from katydid.transport.exchange import Request
from katydid.workloads.batch import BatchOptions
from katydid.workloads.batch.user import BatchUser

CHUNK = b'data: {"choices":[{"delta":{"content":"x"}}]}\n\n'
STREAM = (CHUNK * 3, b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n')
USAGE = b'"usage":{"prompt_tokens":7,"completion_tokens":2}'
WHOLE = (b'{"choices":[{"message":{"content":"yes"},"finish_reason":"stop"}],%b}' % USAGE,)


class Client:
    def __init__(self, parts, status=200, ends=None):
        self.parts, self.status, self.ends = parts, status, ends

    def send(self, request, sink, exchange):
        self.request = request
        exchange.started, exchange.status = time.monotonic(), self.status
        for part in self.parts:
            sink.feed(part, time.monotonic())
        if self.ends is not None:
            raise self.ends
        sink.finish()
        exchange.ended = time.monotonic()


def user_of(client=None):
    info = RunInfo(origin=time.monotonic(), origin_wall=0.0, boot="", users=1, workers=1, model="m", warm_up=0.0)
    user = object.__new__(PacedUser)
    user.run_context = SimpleNamespace(info=info, service=SimpleNamespace(client=client), options=RunOptions())
    return user, Sample(request_id="r", user=0, iteration=0, worker="w", name="/", scheduled_ms=0.0)


def exchanged(client, parser, sink=None):
    user, sample = user_of(client)
    try:
        user.exchange(sample, Request("POST", "/", (), b"", "r"), parser, sink)
    except GreenletExit:
        sample.abort()
    return sample


def test_a_streamed_answer_has_its_chunks():
    sample = exchanged(Client(STREAM), dialect("openai").stream_parser("count"))
    assert (sample.outcome, sample.status, sample.chunks) == (Outcome.OK, 200, 3), sample.detail
    assert sample.ttft_ms is not None
    assert sample.duration_ms is not None


def test_a_whole_answer_has_its_tokens():
    sample = exchanged(Client(WHOLE), AnswerParser(dialect("openai")))
    assert (sample.outcome, sample.prompt_tokens, sample.completion_tokens) == (Outcome.OK, 7, 2)
    assert sample.chunks is None


def test_a_refusal_is_judged():
    sample = exchanged(Client((), status=500), AnswerParser(dialect("openai")))
    assert (sample.outcome, sample.error) == (Outcome.FAILED, ErrorClass.HTTP_5XX)


def test_a_request_that_is_killed_keeps_what_was_seen():
    sample = exchanged(Client((CHUNK,), ends=GreenletExit()), dialect("openai").stream_parser("count"))
    assert (sample.outcome, sample.status, sample.chunks) == (Outcome.ABORTED, 200, 1)


@pytest.mark.parametrize("ends", [None, GreenletExit()])
def test_what_is_not_http_is_measured_in_the_same_way_also_when_it_is_killed(ends):
    user, sample = user_of()
    noted = []

    def talk(exchange):
        exchange.started, exchange.status = time.monotonic(), 101
        if ends is not None:
            raise ends
        exchange.ended = time.monotonic()

    try:
        assert user.measured(sample, talk, noted.append).status == 101
    except GreenletExit:
        assert ends is not None
    assert (sample.status, sample.duration_ms is None, len(noted)) == (101, ends is not None, 1)
    assert sample.start_ms is not None


def test_a_sink_of_ones_own_is_fed_instead_of_the_parser():
    class Both:
        def __init__(self, parser):
            self.parser, self.seen = parser, 0

        def feed(self, data, at):
            self.seen += 1
            self.parser.feed(data, at)

        def finish(self):
            self.parser.finish()

    parser = dialect("openai").stream_parser("count")
    both = Both(parser)
    assert exchanged(Client(STREAM), parser, both).chunks == 3
    assert both.seen == 2


def test_a_users_options_are_those_of_its_class():
    class Other(BatchOptions):
        pass

    class Taken(BatchUser):
        abstract = True
        options_class: ClassVar = Other

    assert issubclass(Taken.options_class, BatchOptions)
    with pytest.raises(ConfigError, match=r"^Wrong\.options_class: make it a subclass of BatchOptions$"):

        class Wrong(BatchUser):
            abstract = True
            options_class: ClassVar = RunOptions
