"""What a worker may tell its master: each message has its fields, and whatever else comes is refused and counted.

The link is open to whoever reaches the master's port. So nothing that comes in names a file, makes a table of other
columns, or reaches a terminal as it is.
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
    """A batch of rows, as `RowBuffer.drain` made it."""

    kind: str
    batch: bytes


class Ticket(msgspec.Struct):
    """A failure, by its number among those of its worker."""

    ticket: int


class Finished(msgspec.Struct):
    """A worker is done: so many rows it has recorded, with so many values that did not fit."""

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
    """A user is ready for its first request; what it says of itself to all others."""

    fact: object = None


class Nothing(msgspec.Struct):
    """A message that says all by its name."""


class Setting(msgspec.Struct):
    """What a worker was started with: options that are not the defaults, and facts of its service."""

    options: dict[str, object]
    facts: dict[str, object]


class MessageError(ValueError):
    """No worker sends this; the message says why."""


def harmless(text: object) -> str:
    """What a worker says, in one line that commands no terminal."""
    return Redactor([]).text(str(text), COMPLAINT_LIMIT)


def batch_of(message: Rows, schemas: Mapping[str, pa.Schema]) -> pa.Table:
    """The rows of a message.

    Raises:
        MessageError: they are no rows of this run.
    """
    if message.kind not in schemas:
        raise MessageError(f"there are no rows of the kind {message.kind[:40]!r}")
    try:
        return decoded(message.batch, schemas[message.kind])
    except (pa.ArrowException, OSError, ValueError) as error:
        raise MessageError(f"{message.kind}: {error}") from None


class Inbox:
    """Listens to workers, where this process is their master; elsewhere to nobody.

    Args:
        runner: Locust's.
        on_refused: is told how many messages were none, in this run, whenever there is one more.
    """

    def __init__(self, runner: object, on_refused: Callable[[int], object] = lambda _: None) -> None:
        self._runner = runner
        self._on_refused = on_refused
        self._refused = 0

    def begin(self) -> None:
        """A run starts."""
        self._refused = 0

    def listen(self, name: str, kind: type[Kind], heard: Callable[[str, Kind], object]) -> None:
        """Have `heard` called with a worker's id and each message of this name that is one."""
        if not isinstance(self._runner, MasterRunner):
            return

        def take(msg: Message, **_: object) -> None:
            try:
                heard(msg.node_id, msgspec.convert(msg.data or {}, kind))
            except (msgspec.ValidationError, MessageError) as error:
                self._refuse(name, msg.node_id, error)

        self._runner.register_message(name, take)

    def _refuse(self, name: str, worker: str, why: Exception) -> None:
        if not self._refused:
            logger.error("%s sent what no worker sends (%s: %s): refused", harmless(worker), name, harmless(why))
        self._refused += 1
        self._on_refused(self._refused)
