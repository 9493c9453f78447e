"""Greenlets that serve a run from its start to its end: who keeps rows, watches machines, listens to workers.

What a run is worth without one of them nobody can tell, and nobody would notice: so one that dies of an error
makes the run invalid at once. There is one way for all of them, here.
"""

import logging
from collections.abc import Callable

import gevent
from gevent import Greenlet

logger = logging.getLogger("katydid")


class Housekeeping:
    """The housekeeping of one process.

    Args:
        on_death: is told which one died, and why, once for each.
    """

    def __init__(self, on_death: Callable[[str, str], None]) -> None:
        self._on_death = on_death
        self._greenlets: list[Greenlet] = []

    def spawn(self, name: str, body: Callable[..., object], *arguments: object) -> Greenlet:
        """Run a greenlet until it ends, the run does, or it dies; its name is what a person reads."""
        greenlet = gevent.spawn(self.guard, name, body, *arguments)
        self._greenlets.append(greenlet)
        return greenlet

    def guard(self, name: str, body: Callable[..., object], *arguments: object) -> None:
        """Do something of the housekeeping here and now; that it fails is told as a death."""
        try:
            body(*arguments)
        except (Exception, gevent.Timeout) as error:
            why = f"{type(error).__name__}: {error}"
            where = not isinstance(error, OSError)  # whose text says it all
            logger.exception("%s died (%s): the run is invalid, and ends here", name, why, exc_info=where)
            self._on_death(name, why)

    def end(self) -> None:
        """The run is over."""
        gevent.killall(self._greenlets)
        self._greenlets = []
