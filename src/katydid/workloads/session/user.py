"""The workload `session`: conversations of several turns, whose answers are checked under load.

Every user opens a session; when all sessions are open, the users start to talk. A scenario (`scenario.py`) describes
the messages and the correct answers. This module sends the requests and records a row for each.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import ClassVar

from katydid.dialects.status import classify_close
from katydid.engine.measuring import judge
from katydid.engine.user import PacedUser
from katydid.model.errors import ConfigError
from katydid.model.jsontext import json_text
from katydid.model.sample import ErrorClass, Outcome, Sample
from katydid.report.build import Report
from katydid.runs.files import write_output
from katydid.transport.exchange import Request
from katydid.transport.websocket import WebSocketClient
from katydid.workloads.session import SessionOptions
from katydid.workloads.session.answers import ScenarioAnswer, StreamedAnswer, WholeAnswer
from katydid.workloads.session.conversation import AnswerJudgement, Conversation, Violation
from katydid.workloads.session.scenario import Scenario, Step
from katydid.workloads.session.service import SessionService


class _MessagePart:
    """One message and its answer over a WebSocket; see `transport.websocket.Part`.

    Args:
        message: the message to send, as JSON.
        new: makes a parser for a received message. Messages without a text are not the answer.

    Attributes:
        answer: the last message received.
    """

    def __init__(self, message: bytes, new: Callable[[], WholeAnswer]) -> None:
        self._message = message.decode()
        self._new = new
        self.answer = new()
        self.due: float | None = None
        self.done = False

    def begin(self, at: float) -> None:
        self.due = at

    def say(self, now: float, *, held: bool) -> str:
        del now, held  # it is the only message
        self.due = None
        return self._message

    def hear(self, message: str | bytes, at: float) -> None:
        self.answer = self._new()
        self.answer.feed(message.encode() if isinstance(message, str) else message, at)
        self.answer.finish()
        self.done = self.answer.verdict() is not None or self.answer.field("text") is not None

    def closed(self, code: int, reason: str) -> tuple[ErrorClass, str] | None:
        return None if self.done else classify_close(code, reason)


SWITCHING_PROTOCOLS = 101
MEMBERS_LEAD = 0.4
"""A user asks for the room's members this many seconds before its first message; the release is earlier still."""
_OTHERS = {"isolation", "independent_streams"}
"""Checks that fail if one user's text reaches another."""


class SessionUser(PacedUser[SessionOptions, SessionService]):
    """Opens its session, waits for all others, talks, checks members and history, and leaves after its last turn.

    Columns:
        turn: number of the user's message, from 1.
        room: the user's room.
        checked: names of the checks made on the answer, comma-separated.
        violated: names of the checks that failed.
        other_user: the user whose text or answer was found.
        answer_id: the service's id of the answer.
        markers: number of users' markers found in the answer; if it is always 0, isolation cannot be judged.
    """

    abstract = True
    may_leave = False
    workload = "session"
    service_class = SessionService
    options_class = SessionOptions
    request_type = "SESSION"
    extra_columns: ClassVar[dict[str, type]] = {
        "turn": int, "room": str, "checked": str, "violated": str, "other_user": int, "answer_id": str, "markers": int
    }  # fmt: skip
    default_users = 5
    ends_itself = True
    waits_for_all = True

    conversation: Conversation
    _is_open = False

    @property
    def _scenario(self) -> Scenario:
        return self.service.scenario

    def arrive(self) -> list[str | None] | None:
        """Open the session. Return its room and name for the members check, or None if opening failed."""
        self.conversation = self.service.conversation(self.index, self.run_context.info.secret)
        step = self._scenario.open
        if step is not None:
            with self.sampled(time.monotonic(), "open") as sample:
                answer = self._ask(sample, step)
                session = answer.field("session")
                if sample.outcome is Outcome.OK and session is None:
                    sample.fail(ErrorClass.MALFORMED, "the answer has nothing at open.read.session")
                self.conversation.values["session"] = session
            if sample.outcome is not Outcome.OK:
                return None
        self._is_open = True
        return [self.conversation.room, self.conversation.name]

    def wait_time(self) -> float:
        """See `PacedUser.wait_time`; before the first message, ends early enough to check the members."""
        left = super().wait_time()
        return max(0.0, left - MEMBERS_LEAD) if self._schedule is not None and self.iteration < 0 else left

    def prepare(self) -> None:
        """Before the first message, check the room's members, now that all users have arrived."""
        if self.iteration == 0 and self._is_open:
            self._check_members()

    def iterate(self, scheduled: float) -> None:
        """Send one message; after the last one, check the members and the history."""
        if not self._is_open:
            self.done()  # without a session there is nothing to send
        with self.sampled(scheduled, "message") as sample:
            self._talk(sample)
        if self.iteration + 1 < self.options.turns:
            return
        self._check_members()
        self._check_history()
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
        judgement = self.conversation.hear(answer)
        if (identity := answer.field("id")) is not None:
            sample.extra["answer_id"] = str(identity)
            # No other user may have received an answer with this id. An answer known to be foreign claims no id.
            foreign = any(violation.check == "independent_streams" for violation in judgement.violations)
            owner = self.index if foreign else self.service.answers.setdefault(str(identity), self.index)
            if owner != self.index:
                detail = f"user {self.index} received an answer that user {owner} had already received"
                more = Violation("independent_streams", detail, owner)
                judgement = replace(judgement, violations=(*judgement.violations, more))
        _judge(sample, judgement)

    def _check_members(self) -> None:
        """Ask for the room's members; all users of a room must get the same list."""
        step, room = self._scenario.members, self.conversation.room
        if step is None or room is None:
            return
        with self.sampled(time.monotonic(), "members") as sample:
            answer = self._ask(sample, step)
            if sample.outcome is not Outcome.OK:
                return
            expected = [str(name) for where, name in self.run_context.barrier.roster if where == room]
            seen = self.service.strangers
            _judge(sample, self.conversation.see_members(answer, expected, seen.get(room)))
            seen.setdefault(room, self.conversation.strangers(answer))

    def _check_history(self) -> None:
        """Ask for the history that the service kept."""
        step = self._scenario.history
        if step is None:
            return
        with self.sampled(time.monotonic(), "history") as sample:
            answer = self._ask(sample, step)
            if sample.outcome is Outcome.OK:
                _judge(sample, self.conversation.see_history(answer, step.read.get("content")))

    def _ask(self, sample: Sample, step: Step) -> ScenarioAnswer:
        """Send a request, and fill in its sample with what was measured."""
        service = self.service
        sample.extra |= {"turn": self.iteration + 1, "room": self.conversation.room}
        streamed = step is self._scenario.message and self._scenario.transport == "sse"
        answer: ScenarioAnswer = StreamedAnswer(step.read, self._scenario.done) if streamed else WholeAnswer(step.read)
        request = service.made(step, self.conversation, sample.request_id)
        if service.sockets is not None and step is self._scenario.message:
            return self._ask_by_socket(service.sockets, sample, request, step)
        self.exchange(sample, request, answer)
        return answer

    def _ask_by_socket(self, sockets: WebSocketClient, sample: Sample, request: Request, step: Step) -> ScenarioAnswer:
        """Send a message over its own WebSocket."""
        part = _MessagePart(request.body, lambda: WholeAnswer(step.read))
        exchange = self.measured(sample, partial(sockets.converse, request.path, request.all_headers(), part))
        if exchange.error is not None or exchange.status != SWITCHING_PROTOCOLS:
            judge(sample, exchange, part.answer)
        elif (problem := part.answer.verdict()) is not None:
            sample.fail(*problem)
        return part.answer

    @classmethod
    def finished(cls, report: Report | None, options: SessionOptions) -> None:
        """Write the result as one JSON object, if --session-json asks for it."""
        if report is None or options.session_json is None or "session" not in report.summary:
            return
        try:
            write_output(options.session_json, json_text(report.summary["session"]) + "\n")
        except ConfigError as error:  # the path was writable before the load
            sys.stderr.write(f"katydid: --session-json {error}\n")


def _judge(sample: Sample, judgement: AnswerJudgement) -> None:
    """Write the checks and their violations into the row."""
    violations = judgement.violations
    sample.extra["markers"] = judgement.markers
    sample.extra["checked"] = ",".join(judgement.checks)
    sample.extra["violated"] = ",".join(dict.fromkeys(violation.check for violation in violations))
    if not violations:
        return
    sample.extra["other_user"] = next((each.other for each in violations if each.other is not None), None)
    isolation = any(violation.check in _OTHERS for violation in violations)
    detail = "; ".join(violation.detail for violation in violations)
    sample.fail(ErrorClass.ISOLATION if isolation else ErrorClass.WRONG_ANSWER, detail)
