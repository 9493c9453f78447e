"""The messages that a worker may send its master; the fields of each are checked, and others are rejected and counted.

Anybody who can reach the master's port can send messages. So no message may name a file, make a table with other
columns, or reach a terminal unfiltered.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Annotated, TypeVar

import msgspec
import pyarrow as pa
from locust.rpc import Message
from locust.runners import MasterRunner

from katydid.model.redact import COMPLAINT_LIMIT, Redactor
from katydid.runs.rows import decoded

logger = logging.getLogger("katydid")

Count = Annotated[int, msgspec.Meta(ge=0)]
Kind = TypeVar("Kind", bound=msgspec.Struct)


class Rows(msgspec.Struct):
    """A batch of rows, as `RowBuffer.drain` encodes it."""

    kind: str
    batch: bytes


class Ticket(msgspec.Struct):
    """A failure: its number among those of its worker."""

    ticket: int


class Finished(msgspec.Struct):
    """A worker has finished: the number of rows that it recorded, and of values nulled because they did not fit."""

    rows: Count
    nulled: Count = 0


class Unfit(msgspec.Struct):
    """A worker cannot take part."""

    why: str


class Broken(msgspec.Struct):
    """A greenlet of a worker's housekeeping has died."""

    name: str
    why: str


class Ready(msgspec.Struct):
    """A user is ready for its first request; `fact` is what it tells all others about itself."""

    fact: object = None


class Nothing(msgspec.Struct):
    """A message without fields."""


class Setting(msgspec.Struct):
    """A worker's settings: its options that are not the defaults, and facts about its service."""

    options: dict[str, object]
    facts: dict[str, object]


class MessageError(ValueError):
    """A message that no worker of Katydid's sends; says why."""


def strip_control_chars(text: object) -> str:
    """A worker's text in one line, without terminal control characters."""
    return Redactor([]).text(str(text), COMPLAINT_LIMIT)


def batch_of(message: Rows, schemas: Mapping[str, pa.Schema]) -> pa.Table:
    """Decode the rows of a message.

    Raises:
        MessageError: they are not rows of this run.
    """
    if message.kind not in schemas:
        raise MessageError(f"unknown kind of rows: {message.kind[:40]!r}")
    try:
        return decoded(message.batch, schemas[message.kind])
    except (pa.ArrowException, OSError, ValueError) as error:
        raise MessageError(f"{message.kind}: {error}") from None


class Inbox:
    """Receives the workers' messages if this process is their master; else does nothing.

    `on_refused` is called at each rejected message, with the number of them in this run.
    """

    def __init__(self, runner: object, on_refused: Callable[[int], object] = lambda _: None) -> None:
        self._runner = runner
        self._on_refused = on_refused
        self._refused = 0

    def begin(self) -> None:
        """Reset the count for a new run."""
        self._refused = 0

    def listen(self, name: str, kind: type[Kind], heard: Callable[[str, Kind], object]) -> None:
        """Call `heard` with the worker's id and the message for each valid message of this name."""
        if not isinstance(self._runner, MasterRunner):
            return

        def take(msg: Message, **_: object) -> None:
            try:
                heard(msg.node_id, msgspec.convert(msg.data or {}, kind))
            except (msgspec.ValidationError, MessageError) as error:
                if not self._refused:
                    worker, why = map(strip_control_chars, (msg.node_id, error))
                    logger.error("%s sent an invalid message (%s: %s): rejected", worker, name, why)  # noqa: TRY400 - one line
                self._refused += 1
                self._on_refused(self._refused)

        self._runner.register_message(name, take)
