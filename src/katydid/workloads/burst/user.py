"""The workload `burst`: all users send one request at the same moment, once or several times.

A burst shows how many requests the service works on at a time (`workloads/burst/diagnosis.py`). Every user has
a connection of its own before the moment comes and closes it after its answer, so that a service which
serves one connection at a time gets to the next.
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
"""Seconds before a burst from which users connect."""
_SAFETY = 0.2
"""Seconds before a burst at which a user that has no connection yet gives up to get one ahead of it."""
_MOST_BODY = 64 * MIB
"""Bytes of --burst-body: far more than a service takes, and less than the memory has."""
_MOST_WHOLE = 1024 * 1024
"""Bytes of an answer that may be one in a piece."""


class BurstService(ChatService[BurstOptions]):
    """A model's API, or any path that answers GET or POST."""

    def __init__(self, options: BurstOptions, host: str) -> None:
        self._plain = None if options.burst_path is None else checked_path("--burst-path", options.burst_path)
        self._posted = b"" if options.burst_body is None else _read_body(options.burst_body)
        if options.burst_body is not None and self._plain is None:
            raise ConfigError("--burst-body is what --burst-path is sent: name the path too, or use --body for an API")
        super().__init__(options, host)
        kind = {"Content-Type": "application/json" if _is_json(self._posted) else "text/plain"} if self._posted else {}
        self._plain_headers = (*self._identity.without_key(kind).items(), CLOSE)

    @property
    def plain(self) -> bool:
        """Whether requests are those of a path, not the API's."""
        return self._plain is not None

    @property
    def name(self) -> str:
        """See `ChatService.name`."""
        return self._plain or super().name

    def own_path(self) -> str | None:
        """See `ChatService.own_path`."""
        return self._plain or super().own_path()

    def preflight(self) -> str:
        """A path needs no model and is not asked for before its time: that it takes connections is enough."""
        if self._plain is None:
            return super().preflight()
        takes_connections(self.host, self.options.tls)
        return ""

    def ask(self, sample: Sample, draw: tuple[int, int]) -> Request:
        """The request of a sample; its connection ends with it."""
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
    """Of --burst-body."""
    if not given.startswith("@"):
        return given.encode()
    try:
        return read_named(given[1:], _MOST_BODY)
    except ConfigError as error:
        raise ConfigError(f"--burst-body {given}: {error}: name another file") from None
    except OSError as error:
        raise ConfigError(f"--burst-body {given}: cannot be read ({error.strerror})") from None


def _is_json(body: bytes) -> bool:
    try:
        load_object(body)
    except ProtocolError:
        return False
    return True


class _StreamOrWhole:
    """An API's streamed answer, or a JSON object in one piece, as services give it that do not stream.

    What it does not say itself, it has from the parser of the stream.
    """

    def __init__(self, parser: Any) -> None:
        self._parser = parser
        self._kept: list[bytes] = []
        self._size = 0

    def __getattr__(self, name: str) -> Any:
        if name in {"plain", "note"}:  # then not all bytes would come by
            raise AttributeError(name)
        return getattr(self._parser, name)

    def feed(self, data: bytes, at: float) -> None:
        """See `exchange.Sink.feed`."""
        if self._size <= _MOST_WHOLE:
            self._kept.append(data)
            self._size += len(data)
        self._parser.feed(data, at)

    def finish(self) -> None:
        """See `exchange.Sink.finish`."""
        self._parser.finish()

    def verdict(self) -> tuple[ErrorClass, str] | None:
        """See `measuring.Facts`."""
        problem: tuple[ErrorClass, str] | None = self._parser.verdict()
        if problem is None or self._parser.chunks or self._size > _MOST_WHOLE:
            return problem
        try:
            value = load_object(b"".join(self._kept))
        except ProtocolError:
            return problem
        return problem if error_in(value) else None


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

    The first of them asks alone before that, and again after all; where the bursts left nothing over, half of the users
    send one more burst in between (`contradictions.Probes`).

    Columns:
        waited_ms: from the release of the burst to the request's end.
        role: of a request beside the bursts: `alone before`, `smaller burst`, `alone after`; null in a burst.
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
        """See `PacedUser.arrive`: the first user asks alone, and all wait for it."""
        if self._probes and self.index == 0:
            self.service.client.connect_ahead(CONNECT_TIME)
            self._ask_beside(Role.BEFORE, time.monotonic())

    def wait_time(self) -> float:
        """Awake in time to connect."""
        return max(0.0, super().wait_time() - CONNECT_LEAD) if self._schedule is not None else super().wait_time()

    def prepare(self) -> None:
        """Connect."""
        assert self._schedule is not None  # noqa: S101 - an iteration is about to come
        left = self._schedule.scheduled - time.monotonic() - _SAFETY
        if left > 0:
            self.service.client.connect_ahead(left)

    def iterate(self, scheduled: float) -> None:
        """One request; the last one ends this user's part."""
        with self.sampled(scheduled) as sample:
            self._timed(sample, scheduled)
        if self.iteration + 1 >= self.options.bursts:
            if self._probes:
                self._look_again(over=sample.outcome is Outcome.OK)
            self.done()

    def _look_again(self, *, over: bool) -> None:
        """A smaller burst and one request alone, if no user has left work behind."""
        if not all(self._meet(over=over)):
            return
        if self.place < (self.run_context.info.users or 0) // 2:
            self._ask_beside(Role.SMALLER, self._released())
        self._meet(over=True)
        if self.index == 0:
            self._ask_beside(Role.AFTER, self._released())

    def _meet(self, *, over: bool) -> list[bool]:
        """Wait until all users of the run are here; what each says of its last request."""
        barrier = self.run_context.barrier
        last = barrier.released_at
        barrier.user_ready(over)
        while barrier.released_at == last:
            gevent.sleep(BARRIER_POLL)
        return barrier.roster

    def _released(self) -> float:
        """Connect, and wait for the release that all have met for."""
        at = self.run_context.barrier.released_at
        assert at is not None  # noqa: S101 - all have met
        self.service.client.connect_ahead(max(0.0, at - time.monotonic() - _SAFETY))
        gevent.sleep(max(0.0, at - time.monotonic()))
        return at

    def _ask_beside(self, role: Role, scheduled: float) -> None:
        """One request that is not the load's."""
        if role is not Role.BEFORE:
            self.iteration += 1
        with self.sampled(scheduled, counts=False) as sample:
            sample.extra[ROLE] = str(role)
            self._timed(sample, scheduled)

    def _timed(self, sample: Sample, scheduled: float) -> None:
        try:
            self.perform(sample)
        finally:
            _note_wait(sample, scheduled)

    def perform(self, sample: Sample) -> None:
        """One streamed answer, or one page."""
        service = self.service
        draw = self.index, self.iteration
        request = service.ask(sample, draw)
        parser = _Page() if service.plain else _StreamOrWhole(service.stream_parser(sample, draw))
        self.exchange(sample, request, parser)
        service.ended(sample, draw)


def _note_wait(sample: Sample, scheduled: float) -> None:
    """From the release to the end, however it came: to the last byte where there is one."""
    waited = (time.monotonic() - scheduled) * 1000.0
    if sample.outcome is Outcome.OK and sample.late_ms is not None and sample.duration_ms is not None:
        waited = sample.late_ms + sample.duration_ms
    sample.extra["waited_ms"] = waited
