"""The base of the resilience workloads: a normal load of speech, and events injected beside it.

The first user of the run injects the events in its own greenlet. They are rows too, with a `role`; they are not
requests of the load and count in none of its statistics. A target on another machine is only tested if the user
confirms that they own it.
"""

import ipaddress
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ClassVar
from urllib.parse import urlsplit

import gevent
from gevent import GreenletExit
from gevent.pool import Group

from katydid.engine.measuring import refusal
from katydid.model.errors import ConfigError
from katydid.model.sample import ErrorClass, Sample
from katydid.transport.exchange import Exchange, Timeouts
from katydid.workloads.resilience import ResilienceOptions
from katydid.workloads.speech.user import SpeechService, SpeechUser, Visit

LOCAL_NAMES = {"localhost", "ip6-localhost"}


class ResilienceService(SpeechService):
    """A speech service that may be disturbed.

    Raises:
        ConfigError: it is on another machine, and --i-own-this-target is not set.
    """

    def __init__(self, options: ResilienceOptions, host: str) -> None:
        super().__init__(options, host)
        if not options.i_own_this_target and not is_local(self.host):
            raise ConfigError(f"{self.host} is not on this machine: if you own it, confirm with --i-own-this-target")


def is_local(host: str) -> bool:
    """Return True if a URL's host is a loopback name or address; no name is resolved."""
    name = urlsplit(host).hostname or ""
    if name.lower() in LOCAL_NAMES:
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


class Holding(Visit):
    """A `websocket.Part` that stays silent for a while, then ends.

    Attributes:
        opened_at: when the WebSocket was accepted.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.opened_at: float | None = None

    def begin(self, at: float) -> None:
        """See `websocket.Part`."""
        self.opened_at, self.due = at, at + self._seconds

    def say(self, now: float, *, held: bool) -> str:
        """See `websocket.Part`; called when the time is over."""
        del now, held
        self.due, self.done = None, True
        return "{}"

    def closed(self, code: int, reason: str) -> tuple[ErrorClass, str] | None:
        """See `websocket.Part`."""
        del reason
        return ErrorClass.TRUNCATED, f"the target accepted it, then closed it ({code})"


def judge_connection(sample: Sample, exchange: Exchange) -> None:
    """Set the outcome of a connection that was only held."""
    if exchange.status not in {None, 101}:
        sample.fail(*refusal(exchange))
    elif exchange.error is not None:
        sample.fail(exchange.error, exchange.detail)


class ResilienceUser(SpeechUser):
    """Sends speech; the first user also injects the events.

    Columns:
        role: kind of an injected event, such as `kill`, `storm`, `zombie`; null for requests of the load. Rows with a
            role count in no statistic.
    """

    abstract = True
    service_class: ClassVar[type[SpeechService]] = ResilienceService
    options_class = ResilienceOptions
    extra_columns: ClassVar[dict[str, type]] = {**SpeechUser.extra_columns, "role": str}
    _injecting: gevent.Greenlet | None = None

    def on_start(self) -> None:
        """See `PacedUser.on_start`."""
        if self.index == 0:
            self._injecting = self.run_context.housekeeping.spawn(f"the injection of {self.workload}", self.inject)
        super().on_start()

    def on_stop(self) -> None:
        """Stop injecting."""
        if self._injecting is not None:
            self._injecting.kill()

    def inject(self) -> None:
        """Inject the events. Called at the start of the run, beside the load."""
        raise NotImplementedError

    def all_at_once(self, count: int, one: Callable[[int], None], pause_after: int = 0) -> None:
        """Run `one` for each number at the same time, with a short pause after each `pause_after` of them."""
        group = Group()
        try:
            for number in range(count):
                group.spawn(one, number)
                if pause_after and number % pause_after == 0:
                    gevent.sleep(0.01)
            group.join()
        finally:
            group.kill()

    def hold(
        self,
        sample: Sample,
        part: Holding,
        note: Callable[[Exchange], None] = lambda _: None,
        timeouts: Timeouts | None = None,
    ) -> None:
        """Hold a WebSocket, and fill in its sample; `note` fills in other columns."""
        service = self.service

        def talk(exchange: Exchange) -> None:
            service.client.converse(service.path, service.headers(sample.request_id), part, exchange, timeouts)

        judge_connection(sample, self.measured(sample, talk, note))

    def sleep_until(self, seconds: float) -> None:
        """Sleep until this second of the run."""
        gevent.sleep(max(0.0, self.run_context.info.origin + seconds - time.monotonic()))

    @contextmanager
    def aside(self, role: str, number: int = 0) -> Iterator[Sample]:
        """Yield a row with a role. It is recorded however the block ends, with the block's start and duration."""
        run = self.run_context
        began = time.monotonic()
        sample = run.recorder.new_sample(user=-1, iteration=number, name=role, scheduled=began, stage=run.stage)
        sample.extra["role"] = role
        sample.start_ms, sample.late_ms = sample.scheduled_ms, 0.0
        try:
            yield sample
        except GreenletExit:
            sample.abort()
            raise
        except Exception as error:  # noqa: BLE001 - a failed injection must not end the load; its row records it
            sample.fail(ErrorClass.OTHER, f"{role}: {type(error).__name__}: {error}")
        finally:
            sample.duration_ms = (time.monotonic() - began) * 1000.0
            run.recorder.note(sample)
