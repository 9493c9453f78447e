"""Background greenlets of a run: they write rows, monitor machines and watch workers.

Without one of them a run may be worthless, and nobody would notice. So if one dies of an error, the run becomes invalid
and ends at once.
"""

import logging
from collections.abc import Callable

import gevent
from gevent import Greenlet

logger = logging.getLogger("katydid")


class Housekeeping:
    """The background greenlets of one process; `on_death` gets the name and the error of each that dies."""

    def __init__(self, on_death: Callable[[str, str], None]) -> None:
        self._on_death = on_death
        self._greenlets: list[Greenlet] = []

    def spawn(self, name: str, body: Callable[..., object], *arguments: object) -> Greenlet:
        """Start a greenlet that runs until it returns, fails, or the run ends; `name` is shown to users."""
        greenlet = gevent.spawn(self.guard, name, body, *arguments)
        self._greenlets.append(greenlet)
        return greenlet

    def guard(self, name: str, body: Callable[..., object], *arguments: object) -> None:
        """Call `body` in this greenlet; an error counts as a death."""
        try:
            body(*arguments)
        except (Exception, gevent.Timeout) as error:
            why = f"{type(error).__name__}: {error}"
            where = not isinstance(error, OSError)  # its text is enough without a traceback
            logger.exception("%s died (%s): the run is invalid and ends now", name, why, exc_info=where)
            self._on_death(name, why)

    def end(self) -> None:
        """End all greenlets: the run is over."""
        gevent.killall(self._greenlets)
        self._greenlets = []
