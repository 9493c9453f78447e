"""The embedded target's chat bridge: sessions, rooms, histories, a safety answer, and injected faults.

A chat bridge connects a multi-user world to a model: each user has a session in a room, and talks to a character there.
`Bridge` turns requests into replies; it knows no sockets, and its clock is given.

    POST /bridge/sessions                  {user, room}    → {session_id, user, room}
    POST /bridge/sessions/ID/messages      {message}       → {id, session_id, response, message_count, crisis}
    GET  /bridge/sessions/ID/socket        a WebSocket: {message} → the same as POST …/messages
    GET  /bridge/sessions/ID/history                       → {session_id, message_count, messages: [{role, content}]}
    GET  /bridge/rooms                                     → {rooms}
    GET  /bridge/rooms/NAME/members                        → {room, members}

The third message in a row that shows distress is answered with the crisis line.
"""

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote
from uuid import uuid4

from katydid.model.jsontext import json_bytes
from katydid.target.apis.base import member
from katydid.target.faults import choose_fault
from katydid.target.truthlog import Truth, TruthLog
from katydid.target.wire.http import HttpRequest, RequestError
from katydid.target.wire.websocket import ServerSocket

PREFIX = "/bridge/"

_ON_MESSAGES = ("leak", "cross_stream", "lose_message")

CRISIS = "You are not alone. Please call or text 988, the Suicide and Crisis Lifeline, now."
_DISTRESS = re.compile(r"hopeless|no way out|end it all|can't go on", re.IGNORECASE)
_CRISIS_TURNS = 3
_BUSY = 1.0
"""Another session is busy for this many seconds after its message."""


@dataclass(slots=True)
class Session:
    """A user in a room. `history` has (role, text); `distress` is the number of messages in a row that showed it."""

    identity: str
    user: str
    room: str
    history: list[tuple[str, str]] = field(default_factory=list)
    count: int = 0
    distress: int = 0
    last_reply: dict[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """The reply to a request, its injected fault, and the user whose text it leaks, if any."""

    status: int
    body: dict[str, object]
    fault: str | None = None
    party: str | None = None


class Bridge:
    """All sessions and rooms.

    Args:
        rooms: names of all rooms.
        rates: rates of the faults, by name.
        seed: seed of the choice of faults.
        clock: returns the time in seconds.
    """

    def __init__(self, rooms: list[str], rates: Mapping[str, float], seed: int, clock: Callable[[], float]) -> None:
        self._rooms: dict[str, list[str]] = {room: [] for room in rooms}
        self._sessions: dict[str, Session] = {}
        self._rates, self._seed, self._clock = rates, seed, clock
        self._number = 0
        self._latest: list[tuple[float, Session]] = []

    def reply(self, request: HttpRequest) -> Reply:
        """Return the reply to a request below PREFIX, or what is wrong with the request."""
        try:
            return self.serve(request)
        except RequestError as error:
            return Reply(error.status, {"error": str(error)})

    def serve(self, request: HttpRequest) -> Reply:
        """Return the reply to a request below PREFIX.

        Raises:
            RequestError: the path does not exist, or the request is invalid.
        """
        self._number += 1
        match request.method, request.path.removeprefix(PREFIX).split("/"):
            case "POST", ["sessions"]:
                return self._open(request.json())
            case "POST", ["sessions", identity, "messages"]:
                return self._message(self._session(identity), request.json())
            case "GET", ["sessions", identity, "history"]:
                return self._history(self._session(identity))
            case "GET", ["rooms"]:
                return Reply(200, {"rooms": list(self._rooms)})
            case "GET", ["rooms", room, "members"]:
                return self._members(unquote(room))
        raise RequestError(f"no such path: {request.method} {request.path}", 404)

    def _session(self, identity: str) -> Session:
        if identity not in self._sessions:
            raise RequestError(f"no such session: {identity[:40]}", 404)
        return self._sessions[identity]

    def _known(self, room: str) -> list[str]:
        if room not in self._rooms:
            raise RequestError(f"no such room: {room[:40]}", 404)
        return self._rooms[room]

    def _fault(self, *names: str) -> str | None:
        rates = {name: self._rates[name] for name in names if name in self._rates}
        return choose_fault(rates, self._seed, self._number)

    def _open(self, body: dict[str, object]) -> Reply:
        user, room = member(body, "user", str), member(body, "room", str)
        if not user or not room:
            raise RequestError("'user' and 'room' must be given")
        present = self._known(room)
        session = Session(uuid4().hex, user, room)
        self._sessions[session.identity] = session
        present.append(user)
        return Reply(200, {"session_id": session.identity, "user": user, "room": room})

    def _message(self, session: Session, body: dict[str, object]) -> Reply:
        text = member(body, "message", str)
        if not text:
            raise RequestError("'message' must be given")
        fault, party = self._fault(*_ON_MESSAGES), None
        others = self._note(session)
        other = next((each for each in reversed(others) if each.last_reply is not None), None)
        if fault in {"leak", "cross_stream"} and other is None:
            fault = None  # there is no other session whose text could be leaked
        session.distress = session.distress + 1 if _DISTRESS.search(text) else 0
        crisis = session.distress >= _CRISIS_TURNS
        if crisis and others and self._fault("lose_safety_under_load"):
            crisis, fault = False, "lose_safety_under_load"
        answer = f"In {session.room} you said: {text}" + (f" {CRISIS}" if crisis else "")
        if fault != "lose_message":
            session.count += 1
            session.history += [("user", text), ("assistant", answer)]
        reply = {
            "id": uuid4().hex,
            "session_id": session.identity,
            "response": answer,
            "message_count": session.count,
            "crisis": crisis,
        }
        if fault == "leak" and other is not None:
            party = other.user
            reply["response"] = f"{answer} And somebody said: {other.history[-2][1] if other.history else ''}"
        session.last_reply = reply
        if fault == "cross_stream" and other is not None and other.last_reply is not None:
            party = other.user
            reply = reply | {name: other.last_reply[name] for name in ("id", "response")}
        return Reply(200, reply, fault, party)

    def _note(self, session: Session) -> list[Session]:
        """Note a session's message. Return the other sessions that are busy, the latest last."""
        now = self._clock()
        self._latest = [(at, each) for at, each in self._latest if at > now - _BUSY and each is not session]
        others = [each for _, each in self._latest]
        self._latest.append((now, session))
        return others

    def _history(self, session: Session) -> Reply:
        messages = [{"role": role, "content": text} for role, text in session.history]
        fault = self._fault("reorder_history") if len(messages) >= 4 else None
        if fault:
            messages[0], messages[2] = messages[2], messages[0]
        return Reply(200, {"session_id": session.identity, "message_count": session.count, "messages": messages}, fault)

    def _members(self, room: str) -> Reply:
        members = list(self._known(room))
        fault = self._fault("wrong_members") if members else None
        return Reply(200, {"room": room, "members": members[1:] if fault else members}, fault)


class BridgeSocket(ServerSocket):
    """A session's WebSocket: each message received is answered by one message.

    Args:
        path: HTTP path of the session's messages.
        truth: log entry of the first message; each later message gets its own.
    """

    def __init__(self, client: asyncio.Transport, bridge: Bridge, path: str, truth: Truth, log: TruthLog) -> None:
        super().__init__(client)
        self._bridge = bridge
        self._path = path
        self._truth = truth
        self._log = log

    def hear(self, message: str | bytes) -> None:
        """See `ServerSocket.hear`."""
        body = message.encode() if isinstance(message, str) else message
        reply = self._bridge.reply(HttpRequest("POST", self._path, {}, keep_alive=True, modern=True, body=body))
        truth = self._truth
        truth.status, truth.fault, truth.party = reply.status, reply.fault, reply.party
        self.send(json_bytes(reply.body).decode())
        truth.ended("sent")
        self._log.write(truth)
        self._truth = Truth(uuid4().hex, self._path, time.monotonic_ns(), time.time_ns())


def messages_path(path: str) -> str | None:
    """Return the HTTP path of a session's messages from its WebSocket's path, `/bridge/sessions/ID/socket`, or None."""
    parts = path.removeprefix(PREFIX).split("/")
    return f"{PREFIX}sessions/{parts[1]}/messages" if parts[0] == "sessions" and parts[2:] == ["socket"] else None
