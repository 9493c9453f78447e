"""Watches, after a run whose clients leave, what the target does for them, and notes it in the manifest.

There is no other load by then. One client stays until its answer has ended. Then a few leave, one after the other, as
those of the load did. How long a slot stays taken is read from the target's `/metrics` or `/slots`, below the API's
path, its parent or the root, again and again. If there are none, a request is sent behind the others, and its wait for
the first token shows it.
"""

import logging
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import gevent
from gevent.pool import Group

from katydid.dialects.answer_parser import AnswerParser
from katydid.engine.leaving.departure import Departure
from katydid.engine.leaving.gauges import Gauge, UnseenError, gauges
from katydid.engine.options import RunOptions
from katydid.engine.run_state import Runtime
from katydid.engine.services.chat import ChatService
from katydid.load.leaving import Leaving
from katydid.model.documents.manifest import Departed, LeavingRecord, LeavingSource
from katydid.model.errors import ConfigError
from katydid.transport.exchange import Exchange, Sink

logger = logging.getLogger("katydid")

BUDGET_S = 40.0
"""Time limit of the whole watch, since the user waits for the report after the run."""
LAST_S = 5.0
"""The part of it that is reserved for the last check to overrun."""
MOST_AT_ONCE = 8
"""Most requests that are sent at once to fill all slots."""
_BY_ITSELF = frozenset({"run-time", "completed"})
"""Reasons for a run's end after which the target is watched: nothing went wrong, and nobody interrupted the run."""
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


def watch_target(runtime: Runtime, ended: str) -> None:
    """Watch the target once all users have stopped, in the process that keeps the run folder.

    Does nothing if all clients stay, or if the run ended for another reason than its time or its requests.
    """
    if runtime.options.leaving is None or ended not in _BY_ITSELF:
        return
    runtime.announce(f"Watching for up to {BUDGET_S:g} s what the target does for clients that leave.")
    try:
        record = _watched(runtime, runtime.options.leaving)
    except (ConfigError, UnseenError) as why:
        record = LeavingRecord(why=str(why))
    except Exception:
        logger.exception("what the target does for clients that leave could not be watched")
        record = LeavingRecord(why="katydid failed to watch")
    runtime.note(leaving=record)


def _watched(runtime: Runtime, leaving: Leaving) -> LeavingRecord:
    """Watch the target, and return what was seen.

    Raises:
        UnseenError: nothing could be seen.
        ConfigError: the target does not answer any more.
    """
    options, info, host = runtime.options, runtime.info, runtime.environment.host or ""
    service = runtime.paced_users()[0].service_class(options, host)
    if not isinstance(service, ChatService):
        raise UnseenError("not supported for this workload")
    pages = gauges(host, options.target_metrics, service.credentials.headers, options.tls)
    try:
        if info.adaptation:
            service.adapt(info.adaptation)
        if info.calibration:
            service.calibrate(info.calibration)
        service.begin(info.model)
        most = min(MOST_AT_ONCE, info.users or MOST_AT_ONCE)
        watch = Watch(service, leaving, most=most, seconds=BUDGET_S - LAST_S)
        with gevent.Timeout(BUDGET_S, False), closing(pages):
            watch.look(pages)
            return watch.record
        if not watch.record.departed:
            raise UnseenError(f"it takes longer than {BUDGET_S:g} s")
        return watch.record
    finally:
        service.close()


@dataclass
class _SentRequest:
    """One request of the watch.

    Attributes:
        task: sends it; done when its client has left or its answer has ended.
        left: when its client disconnected.
    """

    exchange: Exchange
    parser: Any
    left: float | None = None
    task: Any = None

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

    def perform(self, send: Callable[[Sink, Exchange], None], leaving: Leaving | None) -> None:
        """Send it with `send`; its client leaves or, without `leaving`, stays."""
        if leaving is None:
            send(self.parser, self.exchange)
            return
        departure = Departure(leaving, lambda: getattr(self.parser, "chunks", 0))
        departure.during(partial(send, departure.sink(self.parser)), self.exchange)
        if departure.left_ms is not None:
            self.left = time.monotonic()

    def finished(self) -> "_SentRequest":
        """Wait for its end."""
        self.task.join()
        return self

    def _after(self, moment: float | None) -> float:
        exchange = self.exchange
        if moment is None or exchange.started is None or exchange.status not in {None, 200}:
            raise UnseenError(f"a request after the load got no answer ({exchange.error or exchange.status})")
        return moment - exchange.started


class Watch:
    """Watches one target, with at most so many requests at once, for at most so many seconds.

    Attributes:
        record: what has been seen so far.
    """

    def __init__(self, service: ChatService[RunOptions], leaving: Leaving, *, most: int, seconds: float) -> None:
        self._service = service
        self._leaving = leaving
        self._most = most
        self._until = time.monotonic() + seconds
        self._request = service.request(user=_DRAW[0], iteration=_DRAW[1], request_id="", stream=service.streams)
        self._requests = Group()
        self._sent = 0
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
        rose, whole_ms = self._watched(gauge, idle, stays), stays.whole_ms
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
        lowest, since = gauge.read(), time.monotonic()
        while lowest and time.monotonic() < min(until, since + QUIET_S):
            gevent.sleep(POLL_S)
            if (now := gauge.read()) < lowest:
                lowest, since = now, time.monotonic()
        return lowest

    def _watched(self, gauge: Gauge, idle: int, sent: _SentRequest) -> bool:
        """Read the gauge until the request is over; return True if it has shown the request."""
        rose = False
        while not sent.task.ready():
            rose = gauge.read() > idle or rose
            gevent.sleep(POLL_S)
        return rose

    def _until_free(self, gauge: Gauge, idle: int, left: float, patience: float) -> Departed:
        """Measure how long after `left` the gauge is back at its value at rest."""
        low = 0.0
        while True:
            asked = time.monotonic()
            if gauge.read() <= idle:
                return Departed(1000.0 * low, 1000.0 * (time.monotonic() - left))
            low = max(low, asked - left)
            if low > patience or asked > self._until:
                return Departed(1000.0 * low)
            gevent.sleep(POLL_S)

    # By probe

    def _by_probe(self) -> None:
        """Fill all slots, so that a probe has to wait for one; measure how long."""
        first, stays = self._send().finished(), self._send().finished()
        usual = min(first.waited, stays.waited)
        left_ms = self._send(self._leaving).finished().left_ms
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
        for _ in range(many):
            self._send(self._leaving if stay is None else None)
        if stay is None:
            self._requests.join()
        else:
            gevent.sleep(stay)
        probe = self._send()
        self._requests.join()
        return probe.waited

    def _keep(self, source: LeavingSource, rest_ms: float, seen: Departed) -> None:
        self.record = LeavingRecord(source=source, rest_ms=rest_ms, departed=[*self.record.departed, seen])

    def _send(self, leaving: Leaving | None = None) -> _SentRequest:
        """Begin a request whose client leaves or stays."""
        service, dialect = self._service, self._service.dialect
        parser = dialect.stream_parser(service.options.check) if service.streams else AnswerParser(dialect)
        sent = _SentRequest(Exchange(), parser)
        self._sent += 1
        request = replace(self._request, request_id=f"leaving-{self._sent}-{time.time_ns():x}")
        sent.task = self._requests.spawn(sent.perform, partial(service.client.send, request), leaving)
        return sent
