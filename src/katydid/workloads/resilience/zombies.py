"""The resilience workload `zombies`: very many idle connections are held beside a normal load of speech.

With `--zombies-kind slow` each sends its request byte by byte and never finishes, like a Slowloris attack.
"""

import ssl
import time
from collections.abc import Callable
from functools import partial
from typing import ClassVar

import gevent
import gevent.socket
from gevent.pool import Group

from katydid.engine.measuring import refusal
from katydid.model.sample import ErrorClass, Sample
from katydid.transport.dialing import Destination, dial, send_all
from katydid.transport.exchange import Exchange, Timeouts
from katydid.transport.failure import classify
from katydid.workloads.resilience import ZombiesOptions
from katydid.workloads.resilience.user import Holding, ResilienceUser

CONNECT_TIME = 30.0
"""Timeout of connecting and of each write, in seconds."""
REQUEST = b"GET / HTTP/1.1\r\nHost: "
FOREVER = 1e6
"""Seconds; longer than any run."""
ENDLESS = Timeouts(total=FOREVER, idle=FOREVER)
DRIP = 60.0
"""Seconds between two bytes of a slow request."""
AT_A_TIME = 20
"""Connections opened before a short pause, so that they do not arrive as a storm."""


def drip(to: Destination, context: ssl.SSLContext | None, period: float, exchange: Exchange) -> None:
    """Connect and send one byte every `period` seconds, until the target closes or the bytes run out.

    Failures are recorded in `exchange`. The only exceptions raised are those that kill the greenlet.
    """
    began = time.monotonic()
    try:
        sock, tls = dial(to, context, CONNECT_TIME)
    except OSError as error:
        exchange.fail(*classify(error, connecting=True))
        return
    try:
        exchange.started = time.monotonic()
        exchange.connect_seconds = exchange.started - began
        for index in range(len(REQUEST)):
            data = REQUEST[index : index + 1]
            send_all(sock, time.monotonic() + CONNECT_TIME, tls.encrypt(data) if tls else data)
            if _answered(sock, period):
                exchange.fail(ErrorClass.TRUNCATED, "the target closed the slow connection")
                return
    except OSError as error:
        exchange.fail(*classify(error, connecting=False))
    finally:
        sock.close()


def _answered(sock: gevent.socket.socket, period: float) -> bool:
    """Wait for `period` seconds. Return True if the target closes or answers, which ends the request."""
    try:
        gevent.socket.wait_read(sock.fileno(), period)
    except TimeoutError:
        return False
    return True


class ZombiesUser(ResilienceUser):
    """Sends speech; the first user also holds the idle connections."""

    abstract = True
    workload = "zombies"
    options_class = ZombiesOptions
    options: ZombiesOptions
    extra_columns: ClassVar[dict[str, type]] = ResilienceUser.extra_columns

    def inject(self) -> None:
        """Open the connections and hold them until the run ends; each writes a row with its outcome."""
        options = self.options
        self.sleep_until(options.zombies_at)
        zombies = Group()
        try:
            for number in range(options.zombies):
                zombies.spawn(self._hold, number, self._idle if options.zombies_kind == "idle" else self._slow)
                if number % AT_A_TIME == 0:
                    gevent.sleep(0.01)
            zombies.join()
        finally:
            zombies.kill()

    def _hold(self, number: int, kind: Callable[[Sample, Exchange], None]) -> None:
        with self.aside("zombie", number) as sample:
            try:
                exchange = self.measured(sample, partial(kind, sample))
            except gevent.GreenletExit:
                return  # held until the end of the run
            if exchange.status is not None and exchange.status != 101:
                sample.fail(*refusal(exchange))
            elif exchange.error is not None:
                sample.fail(exchange.error, exchange.detail)

    def _idle(self, sample: Sample, exchange: Exchange) -> None:
        service, part = self.service, Holding(FOREVER)
        service.client.converse(service.path, service.headers(sample.request_id), part, exchange, ENDLESS)
        if part.closed_early is not None:
            exchange.fail(ErrorClass.TRUNCATED, f"the target accepted it, then closed it ({part.closed_early})")

    def _slow(self, _sample: Sample, exchange: Exchange) -> None:
        drip(self.service.client.to, self.service.client.context, DRIP, exchange)
