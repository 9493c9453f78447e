"""A worker whose master is gone stops loading the target, since nobody keeps what it measures.

Locust's own worker goes on for a minute; and it goes by the wall clock, which may jump.
"""

import logging
import time
from typing import Any

import gevent

from katydid.users.stopping import Stopper

logger = logging.getLogger("katydid")

PATIENCE = 10.0
"""Seconds without a heartbeat, of which a master sends one a second."""


def watch_master(runner: Any, stopper: Stopper) -> None:
    """The body of a worker's greenlet while a run goes on."""
    heard, since = None, time.monotonic()
    while True:
        gevent.sleep(1.0)
        if runner.last_heartbeat_timestamp != heard:
            heard, since = runner.last_heartbeat_timestamp, time.monotonic()
        elif time.monotonic() - since > PATIENCE and stopper.reason is None:
            stopper.reason = "error"
            logger.error("the master is gone: this worker stops; what the master has kept is in its run folder")
            gevent.spawn(runner.quit)
            return
