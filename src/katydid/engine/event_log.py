"""Record every event of streamed answers, for `--record-events`; each event is parsed a second time for this."""

from dataclasses import dataclass

from katydid.dialects.event_kinds import EventCutter, EventKind
from katydid.engine.run_info import RunInfo
from katydid.runs.rows import EventRow, RowBuffer, record_schema
from katydid.transport.exchange import Sink


class EventLog:
    """The events of one run in one process."""

    def __init__(self, info: RunInfo, api: str) -> None:
        self._info = info
        self._api = api
        self.buffer = RowBuffer(record_schema(EventRow))

    def before(self, sink: Sink, request_id: str) -> Sink:
        """A sink that records the events of a request and passes its bytes on to `sink`."""
        return _Recording(self._info, self.buffer, EventCutter(self._api), sink, request_id)


@dataclass(slots=True)
class _Recording:
    info: RunInfo
    buffer: RowBuffer
    cutter: EventCutter
    sink: Sink
    request_id: str
    at_ms: float = 0.0

    def feed(self, data: bytes, at: float) -> None:
        """See `Sink.feed`."""
        self.sink.feed(data, at)
        self.at_ms = self.info.ms(at)
        self._keep(self.cutter.feed(data))

    def finish(self) -> None:
        """See `Sink.finish`."""
        self.sink.finish()
        self._keep(self.cutter.finish())

    def _keep(self, events: list[tuple[EventKind, int | None, int]]) -> None:
        for kind, tokens, size in events:
            self.buffer.append(EventRow(self.request_id, self.at_ms, str(kind), size, tokens))
