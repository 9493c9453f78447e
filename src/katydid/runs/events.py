"""The event's row: one event of a streamed answer, kept with `--record-events`."""

from dataclasses import dataclass


@dataclass(slots=True)
class EventRow:
    """The columns of events.parquet.

    Attributes:
        request_id: of the sample that it belongs to.
        at_ms: its arrival, from the run's start; of the read that brought its last byte.
        kind: `text`, `reasoning`, `tool`, `empty`, `finish`, `usage`, `done`, `error` or `other`.
        bytes: of its data.
        tokens: completion tokens that it says the answer has; None where it says nothing.
    """

    request_id: str
    at_ms: float
    kind: str
    bytes: int
    tokens: int | None
