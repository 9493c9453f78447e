"""The end of a run whose clients leave: what the target does for them is watched, and noted in the manifest."""

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
"""For all of it: who waits for the report has waited for the run."""
LAST_S = 5.0
"""Of them, what the last look may overrun."""
MOST_AT_ONCE = 8
"""Requests that are sent together to fill all slots, at most."""
_BY_ITSELF = frozenset({"run-time", "completed"})
"""Ends of a run after which its target is watched: nobody wants it to be over, and nothing is wrong."""


def watch_target(runtime: Runtime, ended: str) -> None:
    """Watch the target of a run, in the process that keeps its folder; nothing where all its clients stay.

    Args:
        runtime: of the process; all users have stopped.
        ended: why the run did.
    """
    if runtime.options.leaving is None or ended not in _BY_ITSELF:
        return
    runtime.announce(f"Watching what the target does for clients that leave, for {BUDGET_S:g} s at most.")
    try:
        record = _watched(runtime)
    except (ConfigError, UnseenError) as why:
        record = LeavingRecord(why=str(why))
    except Exception:
        logger.exception("what the target does for clients that leave could not be watched")
        record = LeavingRecord(why="katydid failed to watch")
    runtime.note(leaving=record)


def _watched(runtime: Runtime) -> LeavingRecord:
    """What came of it.

    Raises:
        UnseenError: nothing can be seen.
        ConfigError: the target cannot be asked any more.
    """
    options, info, host = runtime.options, runtime.info, runtime.environment.host or ""
    service = runtime.paced_users()[0].service_class(options, host)
    if options.leaving is None or not isinstance(service, ChatService):
        raise UnseenError("the workload's requests are its own")
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
