"""The workload `burst`: all users send one request at the same moment, once or several times.

A burst shows how many requests the service works on at a time (`workloads/burst/diagnosis.py`). Every user has
a connection of its own before the moment comes and closes it after its answer, so that a service which
serves one connection at a time gets to the next.
"""

import time
from dataclasses import replace
from typing import ClassVar

from katydid.engine.services.base import NoAnswerError
from katydid.engine.services.chat import ChatService, checked_path
from katydid.engine.user import PacedUser
from katydid.model.sample import ErrorClass, Outcome, Sample
from katydid.transport.exchange import Request, Timeouts
from katydid.transport.http import HttpClient
from katydid.workloads.burst import BurstOptions

CLOSE = ("Connection", "close")
CONNECT_LEAD = 1.0
"""Seconds before a burst from which users connect."""
_SAFETY = 0.2
"""Seconds before a burst at which a user that has no connection yet gives up to get one ahead of it."""
_LOOK = 5.0
"""Seconds that the target gets to take our first connection."""


class BurstService(ChatService[BurstOptions]):
    """A model's API, or any path that answers GET."""

    def __init__(self, options: BurstOptions, host: str) -> None:
        self._get = None if options.burst_path is None else checked_path("--burst-path", options.burst_path)
        super().__init__(options, host)

    @property
    def plain(self) -> bool:
        """Whether requests are GETs of a path."""
        return self._get is not None

    @property
    def name(self) -> str:
        """See `ChatService.name`."""
        return self._get or super().name

    def own_path(self) -> str | None:
        """See `ChatService.own_path`."""
        return self._get or super().own_path()

    def preflight(self) -> str:
        """A path needs no model and is not asked for before its time: that it takes connections is enough."""
        if self._get is None:
            return super().preflight()
        client = HttpClient(self._host, Timeouts(_LOOK, _LOOK), self.options.tls)
        try:
            if not client.connect_ahead(_LOOK):
                raise NoAnswerError(f"{self._host} does not take connections: start it, or correct --host")
        finally:
            client.close()
        return ""

    def ask(self, sample: Sample, draw: tuple[int, int]) -> Request:
        """The request of a sample; its connection ends with it."""
        if self._get is not None:
            return Request("GET", self._get, (*self._extra.values.items(), CLOSE), request_id=sample.request_id)
        request = self.request_for(sample, draw, stream=True)
        return replace(request, headers=(*request.headers, CLOSE))

    def facts(self) -> dict[str, object]:
        """See `ChatService.facts`."""
        return {"host": self._host, "endpoint": self._get} if self._get is not None else super().facts()


class _Page:
    """The body of a plain answer, which nobody reads: any is right."""

    error_text: str | None = None
    malformed: str | None = None

    def feed(self, _data: bytes, _at: float) -> None:
        """Nothing to keep."""

    def finish(self) -> None:
        """Nothing to do: the exchange knows that it is complete."""

    def verdict(self) -> tuple[ErrorClass, str] | None:
        """See `measuring.Facts`."""
        return None


class BurstUser(PacedUser[BurstOptions, BurstService]):
    """Waits behind the barrier, sends its request with all others, and leaves after the last burst.

    Columns:
        waited_ms: from the release of the burst to the request's end.
    """

    abstract = True
    workload = "burst"
    service_class = BurstService
    options_class = BurstOptions
    request_type = "BURST"
    extra_columns: ClassVar[dict[str, type]] = {"waited_ms": float}
    default_users = 10
    ends_itself = True
    release_delay = CONNECT_LEAD + 0.5

    @property
    def interval(self) -> float:
        """See `PacedUser.interval`."""
        return self.options.period

    def wait_time(self) -> float:
        """Awake in time to connect."""
        return max(0.0, super().wait_time() - CONNECT_LEAD) if self._pacer is not None else super().wait_time()

    def prepare(self) -> None:
        """Connect."""
        assert self._pacer is not None  # noqa: S101 - an iteration is about to come
        left = self._pacer.scheduled - time.monotonic() - _SAFETY
        if left > 0:
            self.service.client.connect_ahead(left)

    def iterate(self, scheduled: float) -> None:
        """One request; the last one ends this user's part."""
        with self.sampled(scheduled) as sample:
            try:
                self.perform(sample)
            finally:
                _note_wait(sample, scheduled)
        if self.iteration + 1 >= self.options.bursts:
            self.done()

    def perform(self, sample: Sample) -> None:
        """One streamed answer, or one page."""
        service = self.service
        parser = _Page() if service.plain else service.dialect.stream_parser(self.options.check)
        draw = self.index, self.iteration
        self.exchange(sample, service.ask(sample, draw), parser)
        service.ended(sample, draw)


def _note_wait(sample: Sample, scheduled: float) -> None:
    """From the release to the end, however it came: to the last byte where there is one."""
    waited = (time.monotonic() - scheduled) * 1000.0
    if sample.outcome is Outcome.OK and sample.late_ms is not None and sample.duration_ms is not None:
        waited = sample.late_ms + sample.duration_ms
    sample.extra["waited_ms"] = waited
