"""Watches, after a run whose clients leave, what the target does for them, and notes it in the manifest."""

import logging
from contextlib import closing

import gevent

from katydid.engine.leaving.watching import UnseenError, Watch, gauges
from katydid.engine.run_state import Runtime
from katydid.engine.services.chat import ChatService
from katydid.model.documents.manifest import LeavingRecord
from katydid.model.errors import ConfigError

logger = logging.getLogger("katydid")

BUDGET_S = 40.0
"""Time limit of the whole watch, since the user waits for the report after the run."""
LAST_S = 5.0
"""The part of it that is reserved for the last check to overrun."""
MOST_AT_ONCE = 8
"""Most requests that are sent at once to fill all slots."""
_BY_ITSELF = frozenset({"run-time", "completed"})
"""Reasons for a run's end after which the target is watched: nothing went wrong, and nobody interrupted the run."""


def watch_target(runtime: Runtime, ended: str) -> None:
    """Watch the target, in the process that keeps the run folder; does nothing if all clients stay.

    Args:
        runtime: of the process; all users have stopped.
        ended: why the run ended.
    """
    if runtime.options.leaving is None or ended not in _BY_ITSELF:
        return
    runtime.announce(f"Watching for up to {BUDGET_S:g} s what the target does for clients that leave.")
    try:
        record = _watched(runtime)
    except (ConfigError, UnseenError) as why:
        record = LeavingRecord(why=str(why))
    except Exception:
        logger.exception("what the target does for clients that leave could not be watched")
        record = LeavingRecord(why="katydid failed to watch")
    runtime.note(leaving=record)


def _watched(runtime: Runtime) -> LeavingRecord:
    """Watch the target, and return what was seen.

    Raises:
        UnseenError: nothing could be seen.
        ConfigError: the target does not answer any more.
    """
    options, info, host = runtime.options, runtime.info, runtime.environment.host or ""
    service = runtime.paced_users()[0].service_class(options, host)
    if options.leaving is None or not isinstance(service, ChatService):
        raise UnseenError("not supported for this workload")
    budget = gevent.Timeout(BUDGET_S)
    pages = gauges(host, options.target_metrics, service.credentials.headers, options.tls)
    try:
        if info.adaptation:
            service.adapt(info.adaptation)
        if info.calibration:
            service.calibrate(info.calibration)
        service.begin(info.model)
        most = min(MOST_AT_ONCE, info.users or MOST_AT_ONCE)
        watch = Watch(service, options.leaving, most=most, seconds=BUDGET_S - LAST_S)
        try:
            with budget, closing(pages):
                watch.look(pages)
        except gevent.Timeout as over:
            if over is not budget:
                raise
            if not watch.record.departed:
                raise UnseenError(f"it takes longer than {BUDGET_S:g} s") from None
    finally:
        service.close()
    return watch.record
