"""What the target does for clients that leave: watched when nobody else is there.

One client stays until its answer has ended; then a few leave, one after the other, as those of the load did. How long
a slot stays taken is seen in what the target says of itself, its `/metrics` or `/slots` or those beside it, read again
and again, or else by a request that is sent behind and waits for its first token. Knows no run.
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
"""Seconds that one look may take."""
LEAVERS = 3
POLL_S = 0.01
SETTLE_S = 15.0
"""What the target's figures have at most to come to rest."""
QUIET_S = 3.0
"""A figure that stays above zero for so long is others' work."""
LOOKS_AFTER = 2.0
"""Times what was left of its answer, for which a client that left is watched."""
NOTICED = 0.5
"""Of what was left of the answers before it: a probe that waits for so long has waited for them."""
_DRAW = (0, 0)
"""The prompt of all requests of the watch: answers of the same length."""


class Gauge(NamedTuple):
    """A page that tells; `read` makes a number of it, None where it does not."""

    source: LeavingSource
    client: Client
    request: Request
    of: Callable[[bytes], int | None]

    def read(self) -> int | None:
        """Requests that the target works on, or has in its queue, at this moment."""
        exchange, page = look(self.client, self.request)
        return self.of(page) if exchange.status == 200 and exchange.error is None else None


def gauges(host: str, metrics_url: str | None, headers: Headers, tls: TlsSettings) -> Generator[Gauge]:
    """Those that tell of a target, the most telling first.

    Args:
        host: URL of the target.
        metrics_url: of its metrics, where a person has said; it gets none of our headers.
        headers: of requests to the host itself.
        tls: whom to trust.
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
    except ConfigError:  # a URL that the monitor has told of
        return
    alone = (*headers, ("Connection", "close"))  # a kept connection would be all that some targets serve
    try:
        for source, path, of in pages:
            gauge = Gauge(source, client, Request("GET", path, alone), of)
            if gauge.read() is not None:
                yield gauge
    finally:
        client.close()


class UnseenError(Exception):
    """Nothing can be seen; says why, for behind "could not be seen"."""


@dataclass
class _Talk:
    """One request of the watch.

    Attributes:
        left: when its client hung up.
        over: it has left, or its answer has ended.
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
        """Seconds to its first content, or to all of a whole answer."""
        return self._after(getattr(self.parser, "first_at", None) or self.exchange.ended)

    @property
    def left_ms(self) -> float:
        """Milliseconds after which its client hung up."""
        if self.left is None and self.exchange.ended is not None:
            raise UnseenError("the answers end before their clients leave")
        return 1000.0 * self._after(self.left)

    def _after(self, moment: float | None) -> float:
        exchange = self.exchange
        if moment is None or exchange.started is None or exchange.status not in {None, 200}:
            raise UnseenError(f"a request after the load got no answer ({exchange.error or exchange.status})")
        return moment - exchange.started


class Watch:
    """What one target does.

    Args:
        service: sends the requests; it has begun.
        leaving: when clients leave.
        most: requests that may be sent together.
        seconds: that all of it may take.

    Attributes:
        record: what has been seen until now.
    """

    def __init__(self, service: ChatService[RunOptions], leaving: Leaving, *, most: int, seconds: float) -> None:
        self._service = service
        self._leaving = leaving
        self._most = most
        self._until = time.monotonic() + seconds
        self._request = service.request(user=_DRAW[0], iteration=_DRAW[1], request_id="", stream=service.streams)
        self._number = 0
        self._talks = Group()
        self.record = LeavingRecord()

    def look(self, gauges: Iterable[Gauge]) -> None:
        """Watch, by the first gauge that shows the requests, else by a probe; fills in the record.

        Raises:
            UnseenError: nothing shows.
        """
        try:
            if not any(self._by_gauge(gauge) for gauge in gauges):
                self._by_probe()
        finally:
            self._talks.kill()

    # By what the target says of itself

    def _by_gauge(self, gauge: Gauge) -> bool:
        """Whether the gauge shows the requests."""
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
            if time.monotonic() + (whole_ms + rest_ms) / 1000.0 > self._until:  # no time for another one
                break
        return True

    def _at_rest(self, gauge: Gauge) -> int:
        """What the gauge shows when nothing of ours is under way."""
        until = time.monotonic() + SETTLE_S
        lowest, since = _read(gauge), time.monotonic()
        while lowest and time.monotonic() < min(until, since + QUIET_S):
            gevent.sleep(POLL_S)
            if (now := _read(gauge)) < lowest:
                lowest, since = now, time.monotonic()
        return lowest

    def _watched(self, gauge: Gauge, idle: int, talk: _Talk) -> bool:
        """Read until the request is over; whether the gauge has shown it."""
        rose = False
        while not talk.over:
            rose = _read(gauge) > idle or rose
            gevent.sleep(POLL_S)
        return rose

    def _until_free(self, gauge: Gauge, idle: int, left: float, patience: float) -> Departed:
        """How long after `left` the gauge shows again what it shows at rest."""
        low = 0.0
        while True:
            asked = time.monotonic()
            if _read(gauge) <= idle:
                return Departed(1000.0 * low, 1000.0 * (time.monotonic() - left))
            low = max(low, asked - left)
            if low > patience or asked > self._until:
                return Departed(1000.0 * low)
            gevent.sleep(POLL_S)

    # By a request behind

    def _by_probe(self) -> None:
        """Send a probe once all slots are taken: it waits for one."""
        first, stays = self._finished(self._send()), self._finished(self._send())
        usual = min(first.waited, stays.waited)
        left_ms = self._finished(self._send(self._leaving)).left_ms
        rest_ms = stays.whole_ms - left_ms
        gevent.sleep(rest_ms / 1000.0)
        many = 1
        while (waited := self._behind(many, left_ms / 1000.0) - usual) < NOTICED * rest_ms / 1000.0:
            many *= 2
            if many > self._most:
                raise UnseenError("the target does not say what it works on, and has slots to spare")
        rest_ms = min(rest_ms, 1000.0 * waited)
        for _ in range(LEAVERS):
            wait_ms = 1000.0 * max(POLL_S, self._behind(many, None) - usual)
            self._keep("probe", rest_ms, Departed(wait_ms, wait_ms))

    def _behind(self, many: int, stay: float | None) -> float:
        """Seconds that a probe waits for its first content behind many requests.

        Args:
            many: how many.
            stay: their clients stay, and the probe comes after so many seconds; None: it comes when they have left.
        """
        before = [self._send(self._leaving if stay is None else None) for _ in range(many)]
        if stay is None:
            for talk in before:
                self._finished(talk)
        else:
            gevent.sleep(stay)
        probe = self._finished(self._send())
        for talk in before:
            self._finished(talk)
        return probe.waited

    # Requests

    def _keep(self, source: str, rest_ms: float, seen: Departed) -> None:
        self.record = LeavingRecord(source=source, rest_ms=rest_ms, departed=[*self.record.departed, seen])  # type: ignore[arg-type]  # one of its words

    def _send(self, leaving: Leaving | None = None) -> _Talk:
        """Begin a request, whose client leaves or stays."""
        service, dialect = self._service, self._service.dialect
        parser = dialect.stream_parser(service.options.check) if service.streams else AnswerParser(dialect)
        talk = _Talk(Exchange(), parser)
        self._number += 1
        self._talks.spawn(self._converse, talk, f"leaving-{self._number}-{time.time_ns():x}", leaving)
        return talk

    def _converse(self, talk: _Talk, request_id: str, leaving: Leaving | None) -> None:
        send = partial(self._service.client.send, replace(self._request, request_id=request_id))
        try:
            if leaving is None:
                send(talk.parser, talk.exchange)
                return
            departure = Departure(leaving, lambda: getattr(talk.parser, "chunks", 0))
            departure.during(partial(send, departure.sink(talk.parser)), talk.exchange)
            if departure.left_ms is not None:
                talk.left = time.monotonic()
        finally:
            talk.over = True

    @staticmethod
    def _finished(talk: _Talk) -> _Talk:
        while not talk.over:
            gevent.sleep(POLL_S / 10.0)
        return talk


def _read(gauge: Gauge) -> int:
    found = gauge.read()
    if found is None:
        raise UnseenError(f"/{gauge.source} of the target fell silent")
    return found
