"""The resilience workload `storm`: very many clients connect at once beside a normal load of speech."""

import time
from functools import partial
from typing import ClassVar

from gevent.pool import Group

from katydid.engine.measuring import refusal
from katydid.model.sample import ErrorClass
from katydid.transport.exchange import Exchange
from katydid.workloads.resilience import StormOptions
from katydid.workloads.resilience.user import Holding, ResilienceUser


class StormUser(ResilienceUser):
    """Sends speech; the first user also starts the storm.

    Columns:
        settled_ms: when a client of the storm knew whether it was accepted.
    """

    abstract = True
    workload = "storm"
    options_class = StormOptions
    options: StormOptions
    extra_columns: ClassVar[dict[str, type]] = {**ResilienceUser.extra_columns, "settled_ms": float}

    def inject(self) -> None:
        """Connect all clients at once; each writes a row with its outcome and the time at which that was known."""
        options = self.options
        self.sleep_until(options.storm_at)
        clients = Group()
        try:
            for number in range(options.storm_clients):
                clients.spawn(self._client, number, options.storm_hold)
            clients.join()
        finally:
            clients.kill()

    def _client(self, number: int, hold: float) -> None:
        service, info = self.service, self.run_context.info
        with self.aside("storm", number) as sample:
            part = Holding(hold)

            def settle(_: Exchange) -> None:
                sample.extra["settled_ms"] = info.ms(part.opened_at or time.monotonic())

            talk = partial(service.client.converse, service.path, service.headers(sample.request_id), part)
            exchange = self.measured(sample, talk, settle)
            if exchange.status is not None and exchange.status != 101:
                sample.fail(*refusal(exchange))
            elif exchange.error is not None:
                sample.fail(exchange.error, exchange.detail)
            elif part.closed_early is not None:
                sample.fail(ErrorClass.TRUNCATED, f"the target accepted it, then closed it ({part.closed_early})")
