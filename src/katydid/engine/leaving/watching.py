"""Watches what the target does for clients that leave, when there is no other load.

One client stays until its answer has ended. Then a few leave, one after the other, as those of the load did. How long
a slot stays taken is read from the target's `/metrics` or `/slots`, below the API's path, its parent or the root, again
and again. If there are none, a request is sent behind the others, and its wait for the first token shows it. Uses
nothing of the run.
"""

import time
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import gevent
from gevent.pool import Group

from katydid.dialects.answer_parser import AnswerParser
from katydid.engine.leaving.departure import Departure
from katydid.engine.options import RunOptions
from katydid.engine.services.chat import ChatService
from katydid.engine.services.preflight import look
from katydid.load.leaving import Leaving
from katydid.model.documents.manifest import Departed, LeavingRecord, LeavingSource
from katydid.model.errors import ConfigError
from katydid.protocol.occupancy import of_metrics, of_slots
from katydid.protocol.target_url import read_target_url
from katydid.transport import open_client
from katydid.transport.exchange import Client, Exchange, Headers, Request, Timeouts, TlsSettings

_PATIENCE = Timeouts(2.0, 2.0)
"""Timeouts in seconds for reading a gauge once."""
LEAVERS = 3
POLL_S = 0.01
SETTLE_S = 15.0
"""Longest time for the target's figures to come to rest."""
QUIET_S = 3.0
"""A figure that stays above zero for this long is due to other clients' requests."""
LOOKS_AFTER = 2.0
"""How long a client that left is watched, as a multiple of the time that its answer would still have taken."""
NOTICED = 0.5
"""A probe that waits this share of the time that the answers before it would still have taken has waited for them."""
_DRAW = (0, 0)
"""User and iteration whose prompt all requests of the watch use, so that their answers have the same length."""


class Gauge(NamedTuple):
    """A page of the target that shows how many requests it has; `of` parses the number, or returns None."""

    source: LeavingSource
    client: Client
    request: Request
    of: Callable[[bytes], int | None]

    def read(self) -> int | None:
        """The number of requests that the target is working on or has queued; None if the page fails."""
        exchange, page = look(self.client, self.request)
        return self.of(page) if exchange.status == 200 and exchange.error is None else None


def gauges(host: str, metrics_url: str | None, headers: Headers, tls: TlsSettings) -> Generator[Gauge]:
    """The gauges of a target that work, most informative first.

    Args:
        host: URL of the target.
        metrics_url: URL of the target's metrics, if the user gave one; it is sent none of the headers.
        headers: headers for requests to the host itself.
        tls: the certificates to trust.
    """
    if metrics_url is not None:
        parts = urlsplit(metrics_url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        yield from _tell([("metrics", path, of_metrics)], f"{parts.scheme}://{parts.netloc}", (), tls)
    url = read_target_url(host)
    bases = dict.fromkeys((url.path, url.path.rpartition("/")[0], ""))
    pages: list[tuple[LeavingSource, str, Callable[[bytes], int | None]]] = []
    for base in bases:
        pages += [("metrics", f"{base}/metrics", of_metrics), ("slots", f"{base}/slots", of_slots)]
    yield from _tell(pages, url.origin, headers, tls)


def _tell(
    pages: list[tuple[LeavingSource, str, Callable[[bytes], int | None]]],
    origin: str,
    headers: Headers,
    tls: TlsSettings,
) -> Iterator[Gauge]:
    try:
        client = open_client("fast", origin, _PATIENCE, tls)
    except ConfigError:  # a bad URL, which the monitor has reported
        return
    alone = (*headers, ("Connection", "close"))  # a kept connection may be all that a target serves at a time
    try:
        for source, path, of in pages:
            gauge = Gauge(source, client, Request("GET", path, alone), of)
            if gauge.read() is not None:
                yield gauge
    finally:
        client.close()


class UnseenError(Exception):
    """Nothing can be seen; the message says why, and is shown after "could not be seen: "."""


@dataclass
class _SentRequest:
    """One request of the watch.

    Attributes:
        left: when its client disconnected.
        over: its client has left, or its answer has ended.
    """

    exchange: Exchange
    parser: Any
    left: float | None = None
    over: bool = False

    @property
    def whole_ms(self) -> float:
        """Milliseconds that the answer took."""
        return 1000.0 * self._after(self.exchange.ended)

    @property
    def waited(self) -> float:
        """Seconds to its first content, or to the end of a non-streamed answer."""
        return self._after(getattr(self.parser, "first_at", None) or self.exchange.ended)

    @property
    def left_ms(self) -> float:
        """Milliseconds from its start to the disconnect."""
        if self.left is None and self.exchange.ended is not None:
            raise UnseenError("the answers end before their clients leave")
        return 1000.0 * self._after(self.left)

    def _after(self, moment: float | None) -> float:
        exchange = self.exchange
        if moment is None or exchange.started is None or exchange.status not in {None, 200}:
            raise UnseenError(f"a request after the load got no answer ({exchange.error or exchange.status})")
        return moment - exchange.started


class Watch:
    """Watches one target.

    Args:
        service: sends the requests; it has begun.
        leaving: when clients leave.
        most: most requests that may be sent at once.
        seconds: time limit of the whole watch.

    Attributes:
        record: what has been seen so far.
    """

    def __init__(self, service: ChatService[RunOptions], leaving: Leaving, *, most: int, seconds: float) -> None:
        self._service = service
        self._leaving = leaving
        self._most = most
        self._until = time.monotonic() + seconds
        self._request = service.request(user=_DRAW[0], iteration=_DRAW[1], request_id="", stream=service.streams)
        self._number = 0
        self._requests = Group()
        self.record = LeavingRecord()

    def look(self, gauges: Iterable[Gauge]) -> None:
        """Watch by the first gauge that shows the requests, or else by probes; fills in the record.

        Raises:
            UnseenError: nothing shows them.
        """
        try:
            if not any(self._by_gauge(gauge) for gauge in gauges):
                self._by_probe()
        finally:
            self._requests.kill()

    # By gauge

    def _by_gauge(self, gauge: Gauge) -> bool:
        """Watch by a gauge; return False if it does not show the requests."""
        idle = self._at_rest(gauge)
        stays = self._send()
        rose = self._watched(gauge, idle, stays)
        whole_ms = stays.whole_ms
        lag = self._until_free(gauge, idle, time.monotonic(), SETTLE_S).high_ms
        if not rose or lag is None:
            return False
        for _ in range(LEAVERS):
            leaver = self._send(self._leaving)
            rose = self._watched(gauge, idle, leaver)
            rest_ms = whole_ms - leaver.left_ms
            if rest_ms <= 2.0 * lag:
                raise UnseenError("the answers end when their clients leave: have them leave earlier")
            if rose and leaver.left is not None:
                seen = self._until_free(gauge, idle, leaver.left, LOOKS_AFTER * rest_ms / 1000.0)
                self._keep(gauge.source, rest_ms, seen)
            if time.monotonic() + (whole_ms + rest_ms) / 1000.0 > self._until:  # no time for one more
                break
        return True

    def _at_rest(self, gauge: Gauge) -> int:
        """The gauge's value with none of the watch's requests under way."""
        until = time.monotonic() + SETTLE_S
        lowest, since = _read(gauge), time.monotonic()
        while lowest and time.monotonic() < min(until, since + QUIET_S):
            gevent.sleep(POLL_S)
            if (now := _read(gauge)) < lowest:
                lowest, since = now, time.monotonic()
        return lowest

    def _watched(self, gauge: Gauge, idle: int, sent: _SentRequest) -> bool:
        """Read the gauge until the request is over; return True if it has shown the request."""
        rose = False
        while not sent.over:
            rose = _read(gauge) > idle or rose
            gevent.sleep(POLL_S)
        return rose

    def _until_free(self, gauge: Gauge, idle: int, left: float, patience: float) -> Departed:
        """Measure how long after `left` the gauge is back at its value at rest."""
        low = 0.0
        while True:
            asked = time.monotonic()
            if _read(gauge) <= idle:
                return Departed(1000.0 * low, 1000.0 * (time.monotonic() - left))
            low = max(low, asked - left)
            if low > patience or asked > self._until:
                return Departed(1000.0 * low)
            gevent.sleep(POLL_S)

    # By probe

    def _by_probe(self) -> None:
        """Fill all slots, so that a probe has to wait for one; measure how long."""
        first, stays = self._finished(self._send()), self._finished(self._send())
        usual = min(first.waited, stays.waited)
        left_ms = self._finished(self._send(self._leaving)).left_ms
        rest_ms = stays.whole_ms - left_ms
        gevent.sleep(rest_ms / 1000.0)
        many = 1
        while (waited := self._behind(many, left_ms / 1000.0) - usual) < NOTICED * rest_ms / 1000.0:
            many *= 2
            if many > self._most:
                raise UnseenError("the target does not report its requests, and has slots to spare")
        rest_ms = min(rest_ms, 1000.0 * waited)
        for _ in range(LEAVERS):
            wait_ms = 1000.0 * max(POLL_S, self._behind(many, None) - usual)
            self._keep("probe", rest_ms, Departed(wait_ms, wait_ms))

    def _behind(self, many: int, stay: float | None) -> float:
        """Seconds that a probe waits for its first content behind other requests.

        Args:
            many: the number of other requests.
            stay: if given, their clients stay, and the probe is sent after this many seconds; if None, it is sent
                when they have left.
        """
        before = [self._send(self._leaving if stay is None else None) for _ in range(many)]
        if stay is None:
            for sent in before:
                self._finished(sent)
        else:
            gevent.sleep(stay)
        probe = self._finished(self._send())
        for sent in before:
            self._finished(sent)
        return probe.waited

    # Requests

    def _keep(self, source: str, rest_ms: float, seen: Departed) -> None:
        self.record = LeavingRecord(source=source, rest_ms=rest_ms, departed=[*self.record.departed, seen])  # type: ignore[arg-type]  # one of its words

    def _send(self, leaving: Leaving | None = None) -> _SentRequest:
        """Begin a request whose client leaves or stays."""
        service, dialect = self._service, self._service.dialect
        parser = dialect.stream_parser(service.options.check) if service.streams else AnswerParser(dialect)
        sent = _SentRequest(Exchange(), parser)
        self._number += 1
        self._requests.spawn(self._perform, sent, f"leaving-{self._number}-{time.time_ns():x}", leaving)
        return sent

    def _perform(self, sent: _SentRequest, request_id: str, leaving: Leaving | None) -> None:
        send = partial(self._service.client.send, replace(self._request, request_id=request_id))
        try:
            if leaving is None:
                send(sent.parser, sent.exchange)
                return
            departure = Departure(leaving, lambda: getattr(sent.parser, "chunks", 0))
            departure.during(partial(send, departure.sink(sent.parser)), sent.exchange)
            if departure.left_ms is not None:
                sent.left = time.monotonic()
        finally:
            sent.over = True

    @staticmethod
    def _finished(sent: _SentRequest) -> _SentRequest:
        while not sent.over:
            gevent.sleep(POLL_S / 10.0)
        return sent


def _read(gauge: Gauge) -> int:
    found = gauge.read()
    if found is None:
        raise UnseenError(f"the target's /{gauge.source} no longer answers")
    return found
