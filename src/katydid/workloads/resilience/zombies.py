"""The resilience workload `zombies`: very many idle connections are held beside a normal load of speech.

With `--zombies-kind slow` each sends its request byte by byte and never finishes, like a Slowloris attack.
"""

import ssl
import time
from contextlib import suppress
from functools import partial

import gevent.socket
from gevent import GreenletExit

from katydid.model.sample import ErrorClass
from katydid.transport.dialing import Destination, dial, send_all
from katydid.transport.exchange import Exchange, Timeouts
from katydid.transport.failure import classify
from katydid.workloads.resilience import ZombiesOptions
from katydid.workloads.resilience.user import Holding, ResilienceUser, judge_connection

CONNECT_TIME = 30.0
"""Timeout of connecting and of each write, in seconds."""
REQUEST = b"GET / HTTP/1.1\r\nHost: "
FOREVER = 1e6
"""Seconds; longer than any run."""
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
            with suppress(TimeoutError):
                gevent.socket.wait_read(sock.fileno(), period)
                exchange.fail(ErrorClass.TRUNCATED, "the target closed the slow connection")  # or answered it
                return
    except OSError as error:
        exchange.fail(*classify(error, connecting=False))
    finally:
        sock.close()


class ZombiesUser(ResilienceUser):
    """Sends speech; the first user also holds the idle connections."""

    abstract = True
    workload = "zombies"
    options_class = ZombiesOptions
    options: ZombiesOptions

    def inject(self) -> None:
        """Open the connections and hold them until the run ends; each writes a row with its outcome."""
        self.sleep_until(self.options.zombies_at)
        self.all_at_once(self.options.zombies, self._hold, AT_A_TIME)

    def _hold(self, number: int) -> None:
        with self.aside("zombie", number) as sample, suppress(GreenletExit):  # held until the end of the run
            if self.options.zombies_kind == "idle":
                self.hold(sample, Holding(FOREVER), timeouts=Timeouts(total=FOREVER, idle=FOREVER))
            else:
                client = self.service.client
                judge_connection(sample, self.measured(sample, partial(drip, client.to, client.context, DRIP)))
