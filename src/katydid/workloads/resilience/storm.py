"""The resilience workload `storm`: very many clients connect at once beside a normal load of speech."""

import time
from typing import ClassVar

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
        self.sleep_until(self.options.storm_at)
        self.all_at_once(self.options.storm_clients, self._client)

    def _client(self, number: int) -> None:
        with self.aside("storm", number) as sample:
            part = Holding(self.options.storm_hold)

            def settle(_: Exchange) -> None:
                sample.extra["settled_ms"] = self.run_context.info.ms(part.opened_at or time.monotonic())

            self.hold(sample, part, settle)
