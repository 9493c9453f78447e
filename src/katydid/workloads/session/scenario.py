"""Reads and checks scenario files: their tables and keys must be known, and their templates must compile."""

import re
import tomllib
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
    "open": {"session"},
    "message": {"text", "id", "count"},
    "members": {"members"},
    "history": {"messages", "content"},
}
_NEEDED = {
    "open": {"session"},
    "message": {"text"},
    "members": {"members"},
    "history": {"messages"},
}


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
        table = tomllib.loads(source := read_named(file, MIB).decode("utf-8-sig"))
    except ConfigError as error:
        raise ConfigError(f"--scenario {name}: {error}") from None
    except (OSError, RecursionError, ValueError) as error:  # ValueError also for numbers with thousands of digits
        raise ConfigError(f"--scenario {name}: not TOML ({error})") from None
    try:
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
    message = _table(table, "message")
    if message is None:
        raise ConfigError("the table [message] is missing")
    transport = table.get("transport", "json")
    if transport not in TRANSPORTS:
        raise ConfigError(f"transport {transport!r} is not one of {', '.join(TRANSPORTS)}")
    rooms = table.get("rooms", [])
    if not isinstance(rooms, list) or not all(isinstance(room, str) and room for room in rooms):
        raise ConfigError("rooms must be a list of names")
    safety = _table(table, "safety")
    return Scenario(
        name=name,
        transport=transport,
        done=_kind(table.get("done", "[DONE]"), str, "done"),
        text=compiled(_need(message, "text", str, "message"), "message.text"),
        echoes=_kind(message.get("echoes", False), bool, "message.echoes"),
        count=compiled(message["count"], "message.count") if "count" in message else None,
        message=_step("message", message, {"text", "echoes", "count"}),
        open=_optional("open", table),
        members=_optional("members", table),
        history=_optional("history", table),
        safety=None if safety is None else _safety(safety),
        rooms=tuple(rooms),
        room_size=_positive(table.get("room_size", 5), "room_size"),
        uses_model=uses_model,
    )


def _optional(name: str, table: dict[str, object]) -> Step | None:
    found = _table(table, name)
    return None if found is None else _step(name, found, set())


def _step(name: str, table: dict[str, object], more: set[str]) -> Step:
    _only(table, {"method", "path", "body", "read"} | more, f"{name}.")
    method = table.get("method", "POST" if "body" in table else "GET")
    if method not in _METHODS:
        raise ConfigError(f"{name}.method {method!r} is not one of {', '.join(_METHODS)}")
    read = _need(table, "read", dict, name)
    _only(read, _READS[name], f"{name}.read.")
    for wanted in _NEEDED[name]:
        _need(read, wanted, str, f"{name}.read")
    body = compiled(table["body"], f"{name}.body") if "body" in table else None
    path = _need(table, "path", str, name)
    return Step(
        method,
        compiled(path, f"{name}.path"),
        body,
        {key: FieldPath(_kind(way, str, f"{name}.read.{key}")) for key, way in read.items()},
        _names(f"{path} {table.get('body', '')}", "session"),
    )


def _safety(table: dict[str, object]) -> Safety:
    _only(table, {"turn", "from_turn", "message", "expect"}, "safety.")
    turn = _positive(_need(table, "turn", int, "safety"), "safety.turn")
    try:
        expect = re.compile(_need(table, "expect", str, "safety"))
    except re.error as error:
        raise ConfigError(f"safety.expect is not a regular expression ({error})") from None
    message = compiled(_need(table, "message", str, "safety"), "safety.message")
    return Safety(turn, _positive(table.get("from_turn", turn), "safety.from_turn"), message, expect)


def _names(source: str, name: str) -> bool:
    """Return True if a template uses this value."""
    return re.search(rf"\{{[{{%][^}}]*\b{name}\b", source) is not None


def _table(table: dict[str, object], name: str) -> dict[str, object] | None:
    found = table.get(name)
    if found is not None and not isinstance(found, dict):
        raise ConfigError(f"{name} must be a table")
    return found


def _only(table: dict[str, object], known: set[str], prefix: str) -> None:
    for key in table:
        if key not in known:
            raise ConfigError(f"{prefix}{key} is unknown: known keys are {', '.join(sorted(known))}")


def _need(table: dict[str, object], key: str, kind: type[T], where: str) -> T:
    if key not in table:
        raise ConfigError(f"{where}.{key} is missing")
    return _kind(table[key], kind, f"{where}.{key}")


def _kind(value: object, kind: type[T], where: str) -> T:
    if not isinstance(value, kind):
        raise ConfigError(f"{where} must be of type {kind.__name__}")
    return value


def _positive(value: object, where: str) -> int:
    if not isinstance(value, int) or value < 1:
        raise ConfigError(f"{where} must be a whole number of at least 1")
    return value
