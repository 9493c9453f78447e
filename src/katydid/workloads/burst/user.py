"""The workload `burst`: all users send one request at the same moment, once or several times.

A burst shows how many requests the service serves at a time (`workloads/burst/diagnosis.py`). Every user opens its
own connection before the burst and closes it after its answer, so that a service that serves one connection at a time
can serve the next.
"""

import time
from dataclasses import replace
from hashlib import sha256
from typing import Any, ClassVar

import gevent

from katydid.dialects.answer_parser import error_in
from katydid.dialects.loading import load_object
from katydid.engine.services.chat import ChatService
from katydid.engine.services.paths import checked_path
from katydid.engine.services.preflight import CONNECT_TIME, takes_connections
from katydid.engine.user import BARRIER_POLL, PacedUser
from katydid.model.errors import ConfigError, ProtocolError
from katydid.model.sample import ErrorClass, Outcome, Sample
from katydid.runs.files import MIB, read_named
from katydid.transport.exchange import Request
from katydid.workloads.burst import BurstOptions
from katydid.workloads.burst.contradictions import ROLE, Role

CLOSE = ("Connection", "close")
CONNECT_LEAD = 1.0
"""Users start to connect this many seconds before a burst."""
_SAFETY = 0.2
"""A user that is not connected this many seconds before a burst stops trying to connect ahead of it."""
_MOST_BODY = 64 * MIB
"""Limit of --burst-body: far more than services accept, and less than the memory holds."""
_MOST_WHOLE = 1024 * 1024
"""Only answers of up to this many bytes can be accepted as one JSON object."""


class BurstService(ChatService[BurstOptions]):
    """A model's API, or any path that accepts GET or POST."""

    def __init__(self, options: BurstOptions, host: str) -> None:
        self._plain = None if options.burst_path is None else checked_path("--burst-path", options.burst_path)
        self._posted = b"" if options.burst_body is None else _read_body(options.burst_body)
        if options.burst_body is not None and self._plain is None:
            raise ConfigError("--burst-body needs --burst-path: give the path too, or use --body for an API")
        super().__init__(options, host)
        is_json = _json_object(self._posted) is not None
        kind = {"Content-Type": "application/json" if is_json else "text/plain"} if self._posted else {}
        self._plain_headers = (*self._identity.without_key(kind).items(), CLOSE)

    @property
    def name(self) -> str:
        """See `ChatService.name`."""
        return self._plain or super().name

    def own_path(self) -> str | None:
        """See `ChatService.own_path`."""
        return self._plain or super().own_path()

    def preflight(self) -> str:
        """See `ChatService.preflight`; a plain path gets no request before the load, only a connection."""
        if self._plain is None:
            return super().preflight()
        takes_connections(self.host, self.options.tls)
        return ""

    def ask(self, sample: Sample, draw: tuple[int, int]) -> Request:
        """Return the request of a sample, which asks the target to close the connection after it."""
        if self._plain is not None:
            method = "GET" if self.options.burst_body is None else "POST"
            return Request(method, self._plain, self._plain_headers, self._posted, sample.request_id)
        request = self.request_for(sample, draw, stream=True)
        return replace(request, headers=(*request.headers, CLOSE))

    def facts(self) -> dict[str, object]:
        """See `ChatService.facts`."""
        if self._plain is None:
            return super().facts()
        body = {"burst_body_sha256": sha256(self._posted).hexdigest()} if self._posted else {}
        return {"host": self.host, "endpoint": self._plain, **body}


def _read_body(given: str) -> bytes:
    """The bytes of --burst-body."""
    try:
        return read_named(given[1:], _MOST_BODY) if given.startswith("@") else given.encode()
    except ConfigError as error:
        raise ConfigError(f"--burst-body {given}: {error}: name another file") from None
    except OSError as error:
        raise ConfigError(f"--burst-body {given}: cannot be read ({error.strerror})") from None


def _json_object(body: bytes) -> dict[str, Any] | None:
    try:
        return load_object(body)
    except ProtocolError:
        return None


class _StreamOrWhole:
    """An API's streamed answer, or one JSON object from a service that does not stream.

    All other attributes are those of the stream's parser.
    """

    def __init__(self, parser: Any) -> None:
        self._parser = parser
        self._kept: list[bytes] = []
        self._size = 0

    def __getattr__(self, name: str) -> Any:
        if name in {"plain", "note"}:  # with these, some bytes would bypass `feed`
            raise AttributeError(name)
        return getattr(self._parser, name)

    def feed(self, data: bytes, at: float) -> None:
        if self._size <= _MOST_WHOLE:
            self._kept.append(data)
            self._size += len(data)
        self._parser.feed(data, at)

    def verdict(self) -> tuple[ErrorClass, str] | None:
        problem: tuple[ErrorClass, str] | None = self._parser.verdict()
        if problem is None or self._parser.chunks or self._size > _MOST_WHOLE:
            return problem
        value = _json_object(b"".join(self._kept))
        return problem if value is None or error_in(value) else None


class _Page:
    """The answer to a plain path: any body is accepted, and none is read."""

    error_text: str | None = None
    malformed: str | None = None

    def feed(self, _data: bytes, _at: float) -> None:
        pass

    def finish(self) -> None:
        pass  # the exchange knows that it is complete

    def verdict(self) -> tuple[ErrorClass, str] | None:
        return None


class BurstUser(PacedUser[BurstOptions, BurstService]):
    """Waits at the barrier, sends its request together with all others, and leaves after the last burst.

    The first user also sends one request alone before the bursts and one after them. If the bursts left no work behind,
    half of the users send one more burst before that last request (`contradictions.Probes`).

    Columns:
        waited_ms: from the release of the burst to the request's end.
        role: purpose of a probe: `alone before`, `smaller burst`, `alone after`; null in a burst.
    """

    abstract = True
    may_leave = False
    workload = "burst"
    service_class = BurstService
    options_class = BurstOptions
    request_type = "BURST"
    extra_columns: ClassVar[dict[str, type]] = {"waited_ms": float, ROLE: str}
    waits_for_all = True
    default_users = 10
    ends_itself = True
    release_delay = CONNECT_LEAD + 0.5

    @property
    def interval(self) -> float:
        """See `PacedUser.interval`."""
        return self.options.period

    @property
    def _probes(self) -> bool:
        return self.options.burst_probes == "on" and (self.run_context.info.users or 0) > 1

    def arrive(self) -> None:
        """See `PacedUser.arrive`: the first user sends one request alone, and all others wait for it."""
        if self._probes and self.index == 0:
            self.service.client.connect_ahead(CONNECT_TIME)
            self._probe(Role.BEFORE, time.monotonic())

    def wait_time(self) -> float:
        """See `PacedUser.wait_time`; ends early enough to connect."""
        left = super().wait_time()
        return left if self._schedule is None else max(0.0, left - CONNECT_LEAD)

    def prepare(self) -> None:
        """Connect ahead of the burst."""
        assert self._schedule is not None  # noqa: S101 - an iteration is about to begin
        left = self._schedule.scheduled - time.monotonic() - _SAFETY
        if left > 0:
            self.service.client.connect_ahead(left)

    def iterate(self, scheduled: float) -> None:
        """Send one request; after the last burst, send the probes and leave."""
        with self.sampled(scheduled) as sample:
            self._timed(sample, scheduled)
        if self.iteration + 1 < self.options.bursts:
            return
        # Probes follow, unless a request of the last burst may still be served.
        if self._probes and all(self._meet(over=sample.outcome is Outcome.OK)):
            if self.place < (self.run_context.info.users or 0) // 2:
                self._probe(Role.SMALLER, self._released())
            self._meet(over=True)
            if self.index == 0:
                self._probe(Role.AFTER, self._released())
        self.done()

    def _meet(self, *, over: bool) -> list[bool]:
        """Wait until all users of the run are here; return the `over` of each."""
        barrier = self.run_context.barrier
        last = barrier.released_at
        barrier.user_ready(over)
        while barrier.released_at == last:
            gevent.sleep(BARRIER_POLL)
        return barrier.roster

    def _released(self) -> float:
        """Connect, and wait for the release after a meeting; return its time."""
        at = self.run_context.barrier.released_at
        assert at is not None  # noqa: S101 - all users have met
        self.service.client.connect_ahead(max(0.0, at - time.monotonic() - _SAFETY))
        gevent.sleep(max(0.0, at - time.monotonic()))
        return at

    def _probe(self, role: Role, scheduled: float) -> None:
        """Send one request that is not part of the load."""
        if role is not Role.BEFORE:
            self.iteration += 1
        with self.sampled(scheduled, counts=False) as sample:
            sample.extra[ROLE] = str(role)
            self._timed(sample, scheduled)

    def _timed(self, sample: Sample, scheduled: float) -> None:
        """Send one request; record the time from its release to the last byte, or to the end if it failed."""
        try:
            self.perform(sample)
        finally:
            waited = (time.monotonic() - scheduled) * 1000.0
            if sample.outcome is Outcome.OK and sample.late_ms is not None and sample.duration_ms is not None:
                waited = sample.late_ms + sample.duration_ms
            sample.extra["waited_ms"] = waited

    def perform(self, sample: Sample) -> None:
        """Send one request and read its answer: streamed, or of a plain path."""
        service, draw = self.service, (self.index, self.iteration)
        request = service.ask(sample, draw)
        plain = self.options.burst_path is not None
        self.exchange(sample, request, _Page() if plain else _StreamOrWhole(service.stream_parser(sample, draw)))
        service.ended(sample, draw)
