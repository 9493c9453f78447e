"""What the resilience workloads have in common: a normal load of speech, and a deed beside it.

One user of the whole run, the first, does the deed in a greenlet of its own. What it does leaves rows too,
with a `role`; they are not requests of the load and count in none of its statistics. Only targets on this
machine are put through it, unless whoever runs it says that the target is theirs.
"""

import ipaddress
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar
from urllib.parse import urlsplit

import gevent
from gevent import GreenletExit

from katydid.model.errors import ConfigError
from katydid.model.sample import ErrorClass, Sample
from katydid.workloads.resilience import ResilienceOptions
from katydid.workloads.speech.user import SpeechService, SpeechUser

LOCAL_NAMES = {"localhost", "ip6-localhost"}


class ResilienceService(SpeechService):
    """A speech service that may be put through it.

    Raises:
        ConfigError: it is on another machine, and nobody says that it is theirs.
    """

    def __init__(self, options: ResilienceOptions, host: str) -> None:
        super().__init__(options, host)
        if not options.i_own_this_target and not is_local(self.host):
            raise ConfigError(f"{self.host} is not on this machine: if it is yours to break, say --i-own-this-target")


def is_local(host: str) -> bool:
    """Whether a URL's host is this machine by its name or its address; no name is looked up."""
    name = urlsplit(host).hostname or ""
    if name.lower() in LOCAL_NAMES:
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


class ResilienceUser(SpeechUser):
    """A speaker; the first of all also does the deed.

    Columns:
        role: what a row is that is not a request of the load, as `kill`, `storm`, `zombie`; it counts in no statistic.
    """

    abstract = True
    service_class: ClassVar[type[SpeechService]] = ResilienceService
    options_class = ResilienceOptions
    extra_columns: ClassVar[dict[str, type]] = {**SpeechUser.extra_columns, "role": str}
    _doing: gevent.Greenlet | None = None

    def on_start(self) -> None:
        """See `PacedUser.on_start`."""
        if self.index == 0:
            self._doing = self.run_context.housekeeping.spawn(f"what {self.workload} does beside the load", self.inject)
        super().on_start()

    def on_stop(self) -> None:
        """The run ends, and the deed with it."""
        if self._doing is not None:
            self._doing.kill()

    def inject(self) -> None:
        """What happens beside the load; from the start of the run on."""
        raise NotImplementedError

    def sleep_until(self, seconds: float) -> None:
        """Sleep until so many seconds of the run have passed."""
        gevent.sleep(max(0.0, self.run_context.info.origin + seconds - time.monotonic()))

    @contextmanager
    def aside(self, role: str, number: int = 0) -> Iterator[Sample]:
        """A row with a role, kept when the block ends, however it ends; its times are the block's."""
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
        except Exception as error:  # noqa: BLE001 - a failed deed must not end the load; its row tells it
            sample.fail(ErrorClass.OTHER, f"{role}: {type(error).__name__}: {error}")
        finally:
            sample.duration_ms = (time.monotonic() - began) * 1000.0
            run.recorder.note(sample)


class Holding:
    """A `websocket.Part` that says nothing for a while, and then ends.

    Attributes:
        opened_at: the WebSocket was accepted.
        closed_early: the target closed it first; its code.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.due: float | None = None
        self.done = False
        self.opened_at: float | None = None
        self.closed_early: int | None = None

    def begin(self, at: float) -> None:
        """See `websocket.Part`."""
        self.opened_at = at
        self.due = at + self._seconds

    def say(self, now: float, *, held: bool) -> str | bytes:
        """See `websocket.Part`: the time is over."""
        del now, held
        self.due = None
        self.done = True
        return "{}"

    def hear(self, message: str | bytes, at: float) -> None:
        """See `websocket.Part`: whatever is told is not for us."""

    def closed(self, code: int, reason: str) -> tuple[ErrorClass, str] | None:
        """See `websocket.Part`."""
        del reason
        self.closed_early = code
        return None
