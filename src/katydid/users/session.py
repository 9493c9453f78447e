"""The workload `session`: conversations of several turns, whose answers are checked while others load the service.

Every user opens its session; when all have, they talk. What is said, and what is right, is a scenario's
(`scenarios/`); here is what goes over the wire, and the row that each request leaves.
"""

import sys
import time
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar, cast

from katydid.core.errors import ConfigError
from katydid.core.jsontext import json_bytes, json_text
from katydid.core.markers import Markers
from katydid.core.pacing import Phase
from katydid.core.sample import ErrorClass, Outcome, Sample
from katydid.report.build import Report
from katydid.scenarios.answers import Answer, StreamedAnswer, WholeAnswer
from katydid.scenarios.conversation import Conversation, Judgement, Violation
from katydid.scenarios.reading import Scenario, Step, load_scenario
from katydid.transport.exchange import Exchange, Request, Timeouts
from katydid.transport.http import HttpClient
from katydid.transport.websocket import WebSocketClient
from katydid.users.chat import ChatService
from katydid.users.measuring import judge, measure_exchange, measure_stream
from katydid.users.options import NOT_NEGATIVE, POSITIVE, RunOptions, option
from katydid.users.paced import PacedUser
from katydid.users.preflight import answer_words
from katydid.users.talking import MessagePart

_LOOK = 5.0
"""Seconds that the target gets to take our first connection."""
SWITCHING_PROTOCOLS = 101
LOOK_LEAD = 0.4
"""Seconds before its first message in which a user looks around; less than the release comes ahead of it."""
_OTHERS = {"isolation", "independent_streams"}
"""Checks that one user's text in another's hands does not pass."""


@dataclass(frozen=True, kw_only=True)
class SessionOptions(RunOptions):
    """What conversations there are."""

    scenario: str = option("bridge", "bridge, openai, or a TOML file that describes the conversation")
    turns: int = option(20, "messages that each user sends", kind=int, rule=POSITIVE)
    rooms: str | None = option(None, "rooms, comma-separated, instead of the scenario's")
    session_json: str | None = option(None, "file for the result as one JSON object; - for standard output")
    interval: float = option(
        20.0, "seconds from one message of a user to its next; 0 = one after the other", kind=float, rule=NOT_NEGATIVE
    )
    phase: str = option(
        Phase.SPREAD.value,
        "first messages, once all sessions are open: spread over the interval, or all in one burst",
        choices=(Phase.SPREAD.value, Phase.BURST.value),
    )

    @property
    def takes_standard_output(self) -> bool:
        """See `RunOptions.takes_standard_output`."""
        return self.session_json == "-"


class SessionService(ChatService):
    """See `service.Service`.

    Attributes:
        scenario: of the conversations.
        rooms: that users are in; empty where there are none.
        strangers: by room, members who are not of this run, as the first user saw them.
        answers: by its id, the user who was given an answer.
    """

    def __init__(self, options: RunOptions, host: str) -> None:
        super().__init__(options, host)
        self.options = cast("SessionOptions", options)
        self.scenario = load_scenario(self.options.scenario)
        rooms = self.options.rooms
        named = None if rooms is None else tuple(name for part in rooms.split(",") if (name := part.strip()))
        self.rooms = self.scenario.rooms if named is None else named
        websocket = self.scenario.transport == "websocket"
        timeouts = Timeouts(options.request_timeout, options.idle_timeout)
        self.sockets = WebSocketClient(self._host, timeouts, options.ca_file) if websocket else None
        self._markers: dict[str, Markers] = {}
        self.strangers: dict[str, set[str]] = {}
        self.answers: dict[str, int] = {}
        _try_out(self)

    @property
    def name(self) -> str:
        """See `ChatService.name`."""
        return self.scenario.name

    def own_path(self) -> str | None:
        """Paths are the scenario's, below all of the base path."""
        super().own_path()
        return "/"

    def preflight(self) -> str:
        """Look whether the service answers, has the model if one is needed, and the rooms."""
        if self.scenario.uses_model:
            return super().preflight()
        client = HttpClient(self._host, Timeouts(_LOOK, _LOOK), self._options.ca_file)
        host = self._host
        try:
            if not client.connect_ahead(_LOOK):
                raise ConfigError(f"{host} does not take connections: start it, or correct --host")
        finally:
            client.close()
        if self.scenario.members is not None:
            for room in self.rooms:
                self._look_for(room, self.scenario.members, host)
        return ""

    def _look_for(self, room: str, step: Step, host: str) -> None:
        exchange, answer = Exchange(), WholeAnswer(step.read)
        self.client.send(self.made(step, self.conversation(0, "look", room), "look"), answer, exchange)
        if exchange.error is not None:
            raise ConfigError(f"{host} does not answer ({exchange.detail}): see whether it is healthy")
        if not 200 <= (exchange.status or 0) < 300:
            raise ConfigError(
                f"{host} has no room {room!r} ({answer_words(exchange)}): correct --rooms or the scenario"
            )
        if not isinstance(answer.field("members"), list):
            raise ConfigError(f"--scenario {self.scenario.name}: members.read.members leads to no list in the answer")

    def conversation(self, index: int, secret: str, room: str | None = None) -> Conversation:
        """A user's conversation, in its room."""
        if room is None and self.rooms:
            room = self.rooms[index // self.scenario.room_size % len(self.rooms)]
        prefix = f"kd-{sha256(secret.encode()).hexdigest()[:8]}-"
        markers = self._markers.setdefault(secret, Markers(secret))
        facts = {"turns": self.options.turns, "model": self._model, "max_tokens": self.options.max_tokens}
        return Conversation(
            self.scenario, markers, index=index, name=f"{prefix}{index}", prefix=prefix, room=room, facts=facts
        )

    def made(self, step: Step, conversation: Conversation, request_id: str) -> Request:
        """A request out of its templates.

        Raises:
            ConfigError: they cannot be filled in, or make no path.
        """
        path = step.path(conversation.values)
        if not (isinstance(path, str) and path.startswith("/") and path.isascii() and path.isprintable()):
            raise ConfigError(f"the path {path!r} is none: begin it with / and use the filter urlencode")
        if " " in path:
            raise ConfigError(f"the path {path!r} has a blank: use the filter urlencode")
        body = b"" if step.body is None else json_bytes(step.body(conversation.values))
        return Request(step.method, path, self._shared_headers, body, request_id)

    def facts(self) -> dict[str, Any]:
        """See `ChatService.facts`."""
        return {
            "host": self._host,
            "scenario": self.scenario.name,
            "scenario_sha256": self.scenario.sha256,
            "transport": self.scenario.transport,
            "turns": self.options.turns,
        }


def _try_out(service: SessionService) -> None:
    """Fill every template in once, so that a scenario fails before any load.

    Raises:
        ConfigError: one cannot be filled in.
    """
    scenario = service.scenario
    conversation = service.conversation(0, "trial")
    try:
        if scenario.open is not None:
            service.made(scenario.open, conversation, "")
            conversation.opened("session")
        safety = scenario.safety
        for turn in {1, *((safety.turn,) if safety else ())}:
            conversation.say(turn)
            service.made(scenario.message, conversation, "")
        if scenario.count is not None:
            scenario.count(conversation.values)
        for step in (scenario.members, scenario.history):
            if step is not None:
                service.made(step, conversation, "")
    except (ConfigError, TypeError) as error:
        raise ConfigError(f"--scenario {service.options.scenario}: {error}") from None


class SessionUser(PacedUser):
    """Opens its session, waits for all others, talks, looks who is there, and leaves after its last turn.

    Columns:
        turn: of the user's messages, from 1.
        room: that the message was sent in.
        checked: names of the checks that looked at the answer, comma-separated.
        violated: those that found something.
        other_user: whose text or message was found.
        answer_id: by which the service names the answer.
    """

    abstract = True
    workload = "session"
    service_class = SessionService
    options_class = SessionOptions
    request_type = "SESSION"
    extra_columns: ClassVar[dict[str, type]] = {
        "turn": int,
        "room": str,
        "checked": str,
        "violated": str,
        "other_user": int,
        "answer_id": str,
    }
    default_users = 5
    waits_for_all = True

    conversation: Conversation
    _is_open = False

    @property
    def _scenario(self) -> Scenario:
        scenario: Scenario = self.service.scenario
        return scenario

    def arrive(self) -> list[str | None] | None:
        """Open the session; its room and name, for who wants to see it there. None where that failed."""
        self.conversation = self.service.conversation(self.index, self.run_context.info.secret)
        step = self._scenario.open
        if step is not None:
            with self.sampled(time.monotonic(), "open") as sample:
                answer = self._ask(sample, step)
                session = answer.field("session")
                if sample.outcome is Outcome.OK and session is None:
                    sample.fail(ErrorClass.MALFORMED, "the answer has nothing at open.read.session")
                self.conversation.opened(session)
            if sample.outcome is not Outcome.OK:
                return None
        self._is_open = True
        return [self.conversation.room, self.conversation.name]

    def wait_time(self) -> float:
        """Awake in time for a look around before the first message."""
        left = super().wait_time()
        return max(0.0, left - LOOK_LEAD) if self._pacer is not None and self.iteration < 0 else left

    def prepare(self) -> None:
        """Before the first message: who is in the room, now that all have come?"""
        if self.iteration == 0 and self._is_open:
            self._look_around()

    def iterate(self, scheduled: float) -> None:
        """One turn; after the last one, who is in the room, and the history."""
        if not self._is_open:
            self.done()  # without a session there is nothing to say
        with self.sampled(scheduled, "message") as sample:
            self._talk(sample)
        if self.iteration + 1 < cast("SessionOptions", self.run_context.options).turns:
            return
        self._look_around()
        self._look_back()
        self.done()

    def _talk(self, sample: Sample) -> None:
        self.conversation.say(self.iteration + 1)
        answer = self._ask(sample, self._scenario.message)
        text = answer.field("text")
        if sample.outcome is Outcome.OK and not isinstance(text, str):
            sample.fail(ErrorClass.MALFORMED, "the answer has no text at message.read.text")
        elif sample.outcome is Outcome.OK and not text:
            sample.fail(ErrorClass.EMPTY, "no text in the answer")
        if sample.outcome is not Outcome.OK:
            return
        identity = answer.field("id")
        sample.extra["answer_id"] = None if identity is None else str(identity)
        judgement = self.conversation.hear(answer)
        if identity is not None:
            judgement = self._only_ours(str(identity), judgement)
        _judge(sample, judgement)

    def _only_ours(self, identity: str, judgement: Judgement) -> Judgement:
        """Nobody else may have been given the answer of that id; who is known not to own it owns none."""
        if any(violation.check == "independent_streams" for violation in judgement.violations):
            return judgement
        owner = self.service.answers.setdefault(identity, self.index)
        if owner == self.index:
            return judgement
        detail = f"user {self.index} was sent an answer that user {owner} had been sent"
        return Judgement(judgement.checks, (*judgement.violations, Violation("independent_streams", detail, owner)))

    def _look_around(self) -> None:
        """Who is in the room? All users of it must be told the same."""
        step, room = self._scenario.members, self.conversation.room
        if step is None or room is None:
            return
        with self.sampled(time.monotonic(), "members") as sample:
            answer = self._ask(sample, step)
            if sample.outcome is not Outcome.OK:
                return
            expected = [str(name) for where, name in self.run_context.roster if where == room]
            seen = self.service.strangers
            _judge(sample, self.conversation.see_members(answer, expected, seen.get(room)))
            seen.setdefault(room, self.conversation.strangers(answer))

    def _look_back(self) -> None:
        """What has the service kept?"""
        step = self._scenario.history
        if step is None:
            return
        with self.sampled(time.monotonic(), "history") as sample:
            answer = self._ask(sample, step)
            if sample.outcome is Outcome.OK:
                _judge(sample, self.conversation.see_history(answer, step.read.get("content")))

    def _ask(self, sample: Sample, step: Step) -> Answer:
        """Send a request; its sample is filled in as far as the wire tells."""
        service, exchange = self.service, Exchange()
        sample.extra |= {"turn": self.iteration + 1, "room": self.conversation.room}
        streamed = step is self._scenario.message and self._scenario.transport == "sse"
        answer: Answer = StreamedAnswer(step.read, self._scenario.done) if streamed else WholeAnswer(step.read)
        request = service.made(step, self.conversation, sample.request_id)
        if service.sockets is not None and step is self._scenario.message:
            return self._ask_by_socket(sample, request, step)
        try:
            service.client.send(request, answer, exchange)
        finally:
            measure_exchange(sample, exchange, self.run_context.info)
            if isinstance(answer, StreamedAnswer):
                measure_stream(sample, exchange, answer)
        judge(sample, exchange, answer)
        return answer

    def _ask_by_socket(self, sample: Sample, request: Request, step: Step) -> Answer:
        """The same over a WebSocket of its own."""
        part, exchange = MessagePart(request.body, lambda: WholeAnswer(step.read)), Exchange()
        try:
            self.service.sockets.converse(request.path, request.all_headers(), part, exchange)
        finally:
            measure_exchange(sample, exchange, self.run_context.info)
        if exchange.error is None and exchange.status == SWITCHING_PROTOCOLS:
            if (problem := part.answer.verdict()) is not None:
                sample.fail(*problem)
        else:
            judge(sample, exchange, part.answer)
        return part.answer

    @classmethod
    def finished(cls, report: Report | None, options: SessionOptions) -> None:
        """Hand out the result as one JSON object, where that was asked for."""
        if report is None or options.session_json is None or "session" not in report.summary:
            return
        result = json_text(report.summary["session"])
        if options.session_json == "-":
            sys.stdout.write(f"{result}\n")
            return
        try:
            Path(options.session_json).write_text(f"{result}\n", encoding="utf-8")
        except OSError as error:
            sys.stderr.write(f"katydid: --session-json {options.session_json}: cannot be written ({error.strerror})\n")


def _judge(sample: Sample, judgement: Judgement) -> None:
    """Put what was checked, and what was found, into the row."""
    violations = judgement.violations
    sample.extra["checked"] = ",".join(judgement.checks)
    sample.extra["violated"] = ",".join(dict.fromkeys(violation.check for violation in violations))
    if not violations:
        return
    sample.extra["other_user"] = next((each.other for each in violations if each.other is not None), None)
    isolation = any(violation.check in _OTHERS for violation in violations)
    detail = "; ".join(violation.detail for violation in violations)
    sample.fail(ErrorClass.ISOLATION if isolation else ErrorClass.WRONG_ANSWER, detail)
