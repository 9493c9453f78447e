"""Record every event of streamed answers, for `--record-events`; each event is parsed a second time for this."""

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
        return _Recording(self, self._info, EventCutter(self._api), sink, request_id)


class _Recording:
    def __init__(self, log: EventLog, info: RunInfo, cutter: EventCutter, sink: Sink, request_id: str) -> None:
        self._log = log
        self._info = info
        self._cutter = cutter
        self._sink = sink
        self._request_id = request_id
        self._at_ms = 0.0

    def feed(self, data: bytes, at: float) -> None:
        """See `Sink.feed`."""
        self._sink.feed(data, at)
        self._at_ms = self._info.ms(at)
        self._keep(self._cutter.feed(data))

    def finish(self) -> None:
        """See `Sink.finish`."""
        self._sink.finish()
        self._keep(self._cutter.finish())

    def _keep(self, events: list[tuple[EventKind, int | None, int]]) -> None:
        for kind, tokens, size in events:
            self._log.buffer.append(EventRow(self._request_id, self._at_ms, str(kind), size, tokens))
