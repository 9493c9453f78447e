"""Reads and checks scenario files: their tables and keys must be known, and their templates must compile."""

import re
import tomllib
from collections.abc import Collection
from dataclasses import dataclass, fields, replace
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from katydid.dialects.loading import FieldPath
from katydid.model.errors import ConfigError
from katydid.runs.files import MIB, read_named
from katydid.workloads.session import FOLDER, shipped
from katydid.workloads.session.templates import Filled, compiled

T = TypeVar("T")
TRANSPORTS = ("json", "sse", "websocket")
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_READS = {
    "open": ("session",),
    "message": ("text", "id", "count"),
    "members": ("members",),
    "history": ("messages", "content"),
}
"""The fields that each step may read from its answer; it must read the first."""


@dataclass(frozen=True, slots=True)
class Step:
    """One kind of request.

    Attributes:
        path, body: templates, rendered with the conversation's values; body is None if the request has none.
        read: paths of the fields to read from the answer, by name.
        needs_session: True if the request needs an open session.
    """

    method: str
    path: Filled
    body: Filled | None
    read: dict[str, FieldPath]
    needs_session: bool


@dataclass(frozen=True, slots=True)
class Safety:
    """The check of the safety answer.

    Attributes:
        turn: the turn whose answer must match `expect`; the messages of turns `from_turn` to `turn` are `message`.
    """

    turn: int
    from_turn: int
    message: Filled
    expect: re.Pattern[str]

    def covers(self, turn: int) -> bool:
        """Return True if the turn's message is `message`."""
        return self.from_turn <= turn <= self.turn


@dataclass(frozen=True, slots=True)
class Scenario:
    """The description of a conversation.

    Attributes:
        transport: how messages are answered. `json`: non-streamed answers; `sse`: streamed answers, whose texts are
            joined; `websocket`: one WebSocket per message, on which the first message with a text is the answer.
        done: the data that ends an `sse` answer.
        text: template of a message.
        echoes: True if an answer repeats the marker of its message.
        count: template of the expected `message.count`, if that field is read.
        rooms: names of rooms; `room_size` users fill one room before the next.
        open, members, history, safety: None if the service does not have them.
    """

    name: str
    transport: str
    done: str
    text: Filled
    echoes: bool
    message: Step
    count: Filled | None = None
    open: Step | None = None
    members: Step | None = None
    history: Step | None = None
    safety: Safety | None = None
    rooms: tuple[str, ...] = ()
    room_size: int = 5
    uses_model: bool = False
    sha256: str = ""


def load_scenario(name: str) -> Scenario:
    """Load a scenario by its name, or from a TOML file.

    Raises:
        ConfigError: there is no such scenario, or it is invalid; one line says where and why.
    """
    file = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    if file.is_dir() or not file.exists():
        raise ConfigError(f"--scenario {name}: no such scenario: use {', '.join(shipped())}, or a TOML file")
    try:
        try:
            table = tomllib.loads(source := read_named(file, MIB).decode("utf-8-sig"))
        except (OSError, RecursionError, ValueError) as error:  # ValueError also for numbers with thousands of digits
            raise ConfigError(f"not TOML ({error})") from None
        found = read_scenario(file.stem, table, uses_model=_names(source, "model"))
    except ConfigError as error:
        raise ConfigError(f"--scenario {name}: {error}") from None
    return replace(found, sha256=sha256(source.encode()).hexdigest())


def read_scenario(name: str, table: dict[str, object], *, uses_model: bool) -> Scenario:
    """Read the content of a scenario file.

    Raises:
        ConfigError: it is invalid.
    """
    _only(table, {f.name for f in fields(Scenario)} - {"name", "text", "echoes", "count", "uses_model", "sha256"}, "")
    transport = table.get("transport", "json")
    if transport not in TRANSPORTS:
        raise ConfigError(f"transport {transport!r} is not one of {', '.join(TRANSPORTS)}")
    rooms = table.get("rooms", [])
    if not isinstance(rooms, list) or not all(isinstance(room, str) and room for room in rooms):
        raise ConfigError("rooms must be a list of names")
    message = _take(table, "message", dict)
    return Scenario(
        name=name,
        transport=str(transport),
        done=_take(table, "done", str, "[DONE]"),
        text=compiled(_take(message, "message.text", str), "message.text"),
        echoes=_take(message, "message.echoes", bool, False),
        count=compiled(message["count"], "message.count") if "count" in message else None,
        message=_step("message", message, {"text", "echoes", "count"}),
        open=_step("open", _take(table, "open", dict)) if "open" in table else None,
        members=_step("members", _take(table, "members", dict)) if "members" in table else None,
        history=_step("history", _take(table, "history", dict)) if "history" in table else None,
        safety=_safety(_take(table, "safety", dict)) if "safety" in table else None,
        rooms=tuple(rooms),
        room_size=_positive(table, "room_size", 5),
        uses_model=uses_model,
    )


def _step(name: str, table: dict[str, object], more: Collection[str] = ()) -> Step:
    _only(table, {"method", "path", "body", "read", *more}, f"{name}.")
    method = str(table.get("method", "POST" if "body" in table else "GET"))
    if method not in _METHODS:
        raise ConfigError(f"{name}.method {method!r} is not one of {', '.join(_METHODS)}")
    read, readable = _take(table, f"{name}.read", dict), _READS[name]
    _only(read, readable, f"{name}.read.")
    path = _take(table, f"{name}.path", str)
    return Step(
        method,
        compiled(path, f"{name}.path"),
        compiled(table["body"], f"{name}.body") if "body" in table else None,
        {key: FieldPath(_take(read, f"{name}.read.{key}", str)) for key in dict.fromkeys((readable[0], *read))},
        _names(f"{path} {table.get('body', '')}", "session"),
    )


def _safety(table: dict[str, object]) -> Safety:
    _only(table, {"turn", "from_turn", "message", "expect"}, "safety.")
    turn = _positive(table, "safety.turn")
    try:
        expect = re.compile(_take(table, "safety.expect", str))
    except re.error as error:
        raise ConfigError(f"safety.expect is not a regular expression ({error})") from None
    message = compiled(_take(table, "safety.message", str), "safety.message")
    return Safety(turn, _positive(table, "safety.from_turn", turn), message, expect)


def _names(source: str, name: str) -> bool:
    """Return True if a template uses this value."""
    return re.search(rf"\{{[{{%][^}}]*\b{name}\b", source) is not None


def _only(table: dict[str, object], known: Collection[str], prefix: str) -> None:
    for key in table:
        if key not in known:
            raise ConfigError(f"{prefix}{key} is unknown: known keys are {', '.join(sorted(known))}")


def _take(table: dict[str, object], where: str, kind: type[T], default: T | None = None) -> T:
    """The value of the last key in `where`; without a default, the table must have it."""
    value = table.get(where.rpartition(".")[2], default)
    if value is None:
        raise ConfigError(f"{where} is missing")
    if not isinstance(value, kind):
        raise ConfigError(f"{where} must be a table" if kind is dict else f"{where} must be of type {kind.__name__}")
    return value


def _positive(table: dict[str, object], where: str, default: int | None = None) -> int:
    value = _take(table, where, int, default)
    if value < 1:
        raise ConfigError(f"{where} must be a whole number of at least 1")
    return value
