"""Users of the workload `chat` without Locust and without a network: a client that answers as the embedded target."""

import json
import time
from dataclasses import replace
from types import SimpleNamespace

from katydid.engine.run_info import RunInfo
from katydid.model.sample import Outcome, Sample
from katydid.target.apis.base import Spent
from katydid.target.apis.responses import KeptAnswers, response_id
from katydid.target.connection import APIS
from katydid.target.wire.http import RequestError
from katydid.workloads.chat import ChatOptions
from katydid.workloads.chat.service import ConversationService
from katydid.workloads.chat.user import ChatUser


class Model:
    """A client whose target answers each request with the words `one two three`.

    Args:
        answers: how often, before it refuses all.
        text: of a chunk.
        forgets: it goes on from no answer.

    Attributes:
        asked: the bodies of its requests, without those of the look.
        headers: theirs.
    """

    timestamp_source = "kernel"

    def __init__(self, answers=1000, text=" word", *, forgets=False):
        self.answers, self.text = answers, text
        self.asked, self.headers = [], []
        self._kept, self._forgets = KeptAnswers(), forgets
        self._answers = 0

    def send(self, request, sink, exchange):
        exchange.started = time.monotonic()
        if request.method == "GET":
            exchange.status = 200
            sink.feed(b'{"data": [{"id": "m"}], "models": [{"name": "m"}]}', 0.0)
            return
        body, api = json.loads(request.body), APIS[request.path]
        if "X-Katydid-Preflight" not in dict(request.headers):
            self.asked.append(body)
            self.headers.append(dict(request.headers))
        if len(self.asked) > self.answers:
            exchange.status, exchange.body = 500, b'{"error": "broken"}'
            exchange.ended = time.monotonic()
            return
        exchange.ended = time.monotonic()
        try:
            ask = self._kept.complete(api.read(body))
        except RequestError as error:
            exchange.status, exchange.body = 400, json.dumps({"error": str(error)}).encode()
            return
        self._answers += 1
        ask = replace(ask, identity=str(self._answers))
        if not self._forgets:
            self._kept.keep(ask, response_id(ask.identity), self.text * 3)
        exchange.status, exchange.headers = 200, {"content-type": api.stream_kind}
        for event in (
            api.opening(ask),
            *[api.content(ask, self.text)] * 3,
            *api.closing(ask, Spent(3, 0, 0)),
        ):
            sink.feed(event, time.monotonic())
        sink.finish()
        exchange.ended = time.monotonic()


class Recorder:
    """Keeps the rows: those of turns, and those of whole conversations."""

    def __init__(self):
        self.turns, self.conversations = [], []
        self.in_flight = 0

    def new_sample(self, user, iteration, *, name, scheduled, **_):
        number = len(self.turns) + len(self.conversations)
        scheduled_ms = scheduled * 1000.0
        return Sample(f"id-{user}-{iteration}-{number}", user, iteration, "local", name, scheduled_ms)

    def finish(self, sample, *_):
        self.turns.append(sample)

    def note(self, sample):
        self.conversations.append(sample)


class Talker(ChatUser):
    """A user that waits without Locust."""

    abstract = True

    def wait(self):
        self.waited.append(self.wait_time())
        time.sleep(self.waited[-1])


def chat_service(client=None, **options):
    """The service of a run with these options, after its look at the target."""
    service = ConversationService(ChatOptions(**options), "http://h")
    service.client = client or Model()
    service.preflight()
    return service


def talker(service, index=0):
    """A user of that service, in its first iteration."""
    user = object.__new__(Talker)
    user.run_context = SimpleNamespace(
        info=RunInfo(origin=0.0, origin_wall=0.0, boot="", users=1, workers=1, model="m", warm_up=0.0),
        service=service,
        options=service.options,
        stopper=SimpleNamespace(halted=False, ending=False, start_request=lambda: True),
        recorder=Recorder(),
        event_log=None,
    )
    user.stage, user.index, user.iteration = None, index, 0
    user.waited, user._schedule, user._pause = [], None, None
    return user


def one_conversation(service, index=0):
    """The rows of a conversation: its turns, and the whole."""
    user = talker(service, index)
    user.iterate(time.monotonic())
    recorder = user.run_context.recorder
    (whole,) = recorder.conversations
    return recorder.turns, whole


def failed(samples):
    """Those that did."""
    return [sample for sample in samples if sample.outcome is Outcome.FAILED]
