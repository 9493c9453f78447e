"""The resilience workload `zombies`: speech goes on while very many connections are held that do nothing."""

from collections.abc import Callable
from functools import partial
from typing import ClassVar

import gevent
from gevent.pool import Group

from katydid.engine.measuring import refusal
from katydid.model.sample import ErrorClass, Sample
from katydid.transport.exchange import Exchange, Timeouts
from katydid.workloads.resilience.options import ZombiesOptions
from katydid.workloads.resilience.slowloris import drip
from katydid.workloads.resilience.user import Holding, ResilienceUser

FOREVER = 1e6
"""Seconds; the run ends first."""
ENDLESS = Timeouts(total=FOREVER, idle=FOREVER)
DRIP = 60.0
"""Seconds between two bytes of a slow one."""
AT_A_TIME = 20
"""Connections opened before a breath: they are to be held, not to come as a storm."""


class ZombiesUser(ResilienceUser):
    """A speaker; the first of all also holds the connections."""

    abstract = True
    workload = "zombies"
    options_class = ZombiesOptions
    options: ZombiesOptions
    extra_columns: ClassVar[dict[str, type]] = ResilienceUser.extra_columns

    def inject(self) -> None:
        """Open them, and hold them until the run ends; each leaves a row that says what became of it."""
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
                return  # the run ends: it was held until then
            if exchange.status is not None and exchange.status != 101:
                sample.fail(*refusal(exchange))
            elif exchange.error is not None:
                sample.fail(exchange.error, exchange.detail)

    def _idle(self, sample: Sample, exchange: Exchange) -> None:
        service, part = self.service, Holding(FOREVER)
        service.client.converse(service.path, service.headers(sample.request_id), part, exchange, ENDLESS)
        if part.closed_early is not None:
            exchange.fail(ErrorClass.TRUNCATED, f"accepted, and then closed ({part.closed_early})")

    def _slow(self, _sample: Sample, exchange: Exchange) -> None:
        drip(self.service.client.to, self.service.client.context, DRIP, exchange)
