"""End a run: at the failure threshold, at its run time, after its requests, or on a signal; without losing rows.

One process counts failures for the whole run: the only one, or the master. After a failed request, a user on a worker
asks the master whether the failure still belongs to the run (a ticket) and waits for the reply. The request is over by
then, so the wait affects no measurement. Thus the Nth failure is the last one, for any number of processes.

After it, no request starts, and those in flight may finish: they are the load that the target was holding. If as many
of them fail again, the target is down, and the remaining ones are aborted.

A distributed run needs more: Locust's master tells its workers to quit and waits half a second, which loses slow
requests and the last reports. Here the master first has every worker finish its requests in flight and deliver its
rows; only then does Locust go on.
"""

import logging
import os
import signal
import time
from collections.abc import Callable
from itertools import count

import gevent
from gevent.event import AsyncResult
from locust.env import Environment
from locust.rpc import Message
from locust.runners import MasterRunner, Runner, WorkerRunner
from msgspec.structs import asdict

from katydid.engine.workers import connected, name_of
from katydid.engine.workers.messages import Finished, Inbox, Nothing, Ticket, Unfit, strip_control_chars
from katydid.load.threshold import FailureThreshold, RequestShare

logger = logging.getLogger("katydid")

TICKET_TIMEOUT = 10.0
"""Seconds that a worker waits for the master's reply; then it counts its failure itself, since the master is gone."""
FINISH_GRACE_S = 15.0
"""Seconds after the drain time that a master waits for a worker's last rows."""
MISSING_GRACE_S = 5.0
"""Seconds that a master waits for the rows of a worker without heartbeat: its process may only have stalled."""
UNREADY_GRACE_S = 0.5
"""Seconds that a worker that cannot take part waits before it quits, so that its message reaches the master."""
WORKER_PATIENCE = 2.0
"""Seconds that an interrupted worker waits for its master to end the run for all."""

_ASK = "katydid_failure"
_ANSWER = "katydid_verdict"
_HALT = "katydid_halt"
_FINISH = "katydid_finish"
_FINISHED = "katydid_finished"
_CUT = "katydid_cut"
_LATER = "katydid_later"
_UNFIT = "katydid_unfit"
_SPENT = "katydid_spent"


class Stopper:
    """One process's part in ending a run; `hand_in` delivers the process's last rows, and returns their numbers."""

    def __init__(
        self, environment: Environment, runner: Runner, hand_in: Callable[[], Finished], inbox: Inbox | None = None
    ) -> None:
        self._environment = environment
        self._runner = runner
        self._inbox = inbox or Inbox(runner)
        self._hand_in = hand_in
        self._tickets: dict[int, AsyncResult] = {}
        self._numbers = count(1)
        self.active = False
        self.workers: set[str] = set()
        """Ids of the workers that take part; on the master."""
        self._forget(FailureThreshold(0), RequestShare(None), drain=0.0)
        self._register()

    def _forget(self, threshold: FailureThreshold, share: RequestShare, *, drain: float) -> None:
        """Reset the state of the last run."""
        self._threshold, self._share, self.drain = threshold, share, drain
        self._spent: set[str] = set()
        self._all_started = self._is_cut = False
        self._tickets.clear()
        self.halted = False
        """The failure threshold was reached: requests that end from now on are `after_stop`."""
        self.halted_at: float | None = None
        """When it was reached, on the monotonic clock; in the process that counts failures."""
        self.reason: str | None = None
        """Why the run ended; None until then."""
        self.ending = False
        """No new request may start."""
        self.finished: dict[str, Finished] = {}
        """What each worker reports once it has finished."""

    def begin(self, limit: int, drain: float, share: RequestShare) -> None:
        """Begin a run in this process.

        Args:
            limit: number of failed requests that ends the run; 0 = never.
            drain: seconds that requests in flight get at its end.
            share: this process's share of the number of requests that ends the run.
        """
        self._forget(FailureThreshold(limit), share, drain=drain)
        self.active = True
        if isinstance(self._runner, MasterRunner):
            self.workers = {client.id for client in self._runner.clients.all}
        if not isinstance(self._runner, WorkerRunner):
            self._environment.stop_timeout = drain
        elif share.spent:  # there are more processes than requests
            self.all_started()

    @property
    def failures(self) -> int:
        """The number of failures so far; 0 on workers."""
        return self._threshold.failures

    @property
    def lost_workers(self) -> list[str]:
        """Workers that took part and did not deliver their last rows, by their names in the samples."""
        return sorted(map(self.name_of, self.workers - self.finished.keys()))

    def name_of(self, client: str) -> str:
        """On a master: a worker's name in the samples, by its id."""
        assert isinstance(self._runner, MasterRunner)  # noqa: S101 - only a master has clients
        return name_of(self._runner, client)

    # The failure threshold

    def admit(self) -> bool:
        """Count a failure; return True if it belongs to the run. Blocks only the calling user."""
        if self._threshold.limit == 0:
            return True
        number = next(self._numbers)
        if not isinstance(self._runner, WorkerRunner):
            return self._count(("local", number))
        if not self.halted:
            return self._ask_master(number)
        self._runner.send_message(_LATER, {"ticket": number})
        return False

    def _ask_master(self, number: int) -> bool:
        answer = self._tickets[number] = AsyncResult()
        self._runner.send_message(_ASK, {"ticket": number})
        try:
            return bool(answer.get(timeout=TICKET_TIMEOUT))
        except gevent.Timeout:
            logger.warning("no reply from the master within %g s: the failed request is counted here", TICKET_TIMEOUT)
            return True
        except gevent.GreenletExit:
            # The run is being stopped. The reply may have arrived at the same moment.
            if answer.ready() and answer.value:
                return True
            raise
        finally:
            del self._tickets[number]

    def _on_ask(self, worker: str, asked: Ticket) -> None:
        admitted = self._count((worker, asked.ticket))
        self._runner.send_message(_ANSWER, {"ticket": asked.ticket, "admitted": admitted}, client_id=worker)
        if self.halted:
            self._runner.send_message(_HALT, None, client_id=worker)

    def _on_answer(self, msg: Message, **_: object) -> None:
        if (answer := self._tickets.get(msg.data["ticket"])) is not None:
            answer.set(msg.data["admitted"])

    def _count(self, ticket: tuple[str, int]) -> bool:
        admitted = self._threshold.admit(ticket)
        if self._threshold.reached and not self.halted:
            self.halted = self.ending = True
            self.halted_at = time.monotonic()
            if isinstance(self._runner, MasterRunner):
                self._runner.send_message(_HALT)
            self.end("failure-threshold")
        elif self._threshold.hopeless and not self._is_cut:
            gevent.spawn(self.cut)  # in another greenlet: it kills users, and this may be one
        return admitted

    def _on_halt(self, **_: object) -> None:
        self.halted = self.ending = True

    # The number of requests

    def start_request(self) -> bool:
        """Return True if one more request may start, and count it."""
        if not self._share.take():
            return False
        if self._share.spent:
            self.all_started()
        return True

    def all_started(self) -> None:
        """This process has started its last request; once all processes have, the run ends."""
        if self._all_started:
            return
        self._all_started = True
        if isinstance(self._runner, WorkerRunner):
            self._runner.send_message(_SPENT)
        else:
            self.end("completed")

    def _on_spent(self, worker: str, _: Nothing) -> None:
        if not self._spent:
            gevent.spawn(self._end_when_spent, self._runner)
        self._spent.add(worker)

    def _end_when_spent(self, master: MasterRunner) -> None:
        """End the run when every connected worker has started its last request."""
        while self.active and self.reason is None:
            if not (connected(master) & self.workers) - self._spent:
                self.end("completed")
            gevent.sleep(0.05)

    # The end

    def end(self, reason: str, *, drain: float | None = None) -> None:
        """End the run in all processes; may be called in any greenlet, and returns at once.

        The work is done in a new greenlet: stopping kills users, and a calling user would wait for its own end.
        """
        if self.reason is not None:
            return
        self.reason = reason
        if drain is not None:
            self.drain = drain
            self._environment.stop_timeout = drain
        headless = bool(self._environment.parsed_options and self._environment.parsed_options.headless)
        gevent.spawn(self._runner.quit if headless else self._runner.stop)

    def finish_workers(self) -> None:
        """On a master: have every worker finish its requests in flight and deliver its rows; wait for them."""
        assert isinstance(self._runner, MasterRunner)  # noqa: S101 - only called on a master
        self._runner.send_message(_FINISH, {"drain": self.drain})
        begin = time.monotonic()
        clients = self._runner.clients
        while (now := time.monotonic()) < begin + self.drain + FINISH_GRACE_S:
            missing = {client.id for client in clients.missing} if now >= begin + MISSING_GRACE_S else set()
            if not ({client.id for client in clients.all} & self.workers) - missing - self.finished.keys():
                return
            gevent.sleep(0.05)

    def _on_finish(self, msg: Message, **_: object) -> None:
        """On a worker: the master ends the run."""
        self.reason = self.reason or "ordered"
        self._environment.stop_timeout = msg.data["drain"]
        self._runner.stop()

    def worker_finished(self) -> None:
        """On a worker: all users have stopped, so deliver the remaining rows and Locust's statistics."""
        finished = self._hand_in()
        assert isinstance(self._runner, WorkerRunner)  # noqa: S101 - only called on a worker
        report: dict[str, object] = {}
        self._environment.events.report_to_master.fire(client_id=self._runner.client_id, data=report)
        self._runner.send_message("stats", report)
        self._runner.send_message(_FINISHED, asdict(finished))
        # Locust's worker sleeps for its stop timeout after it has stopped, but everything is done by now.
        self._environment.stop_timeout = 0
        self.active = False

    def abort_unready(self, why: str) -> None:
        """On a worker that cannot take part: have the master end the run, since part of the load would be missing.

        Returns only after FINISH_GRACE_S, since Locust would go on to spawn users here.
        """
        logger.error("this worker cannot take part: %s", why)
        self.active = False
        self._runner.send_message(_UNFIT, {"why": why})
        gevent.spawn_later(UNREADY_GRACE_S, self._runner.quit)
        gevent.sleep(FINISH_GRACE_S)

    def _on_unfit(self, worker: str, unfit: Unfit) -> None:
        logger.error("%s cannot take part: %s: the run ends", self.name_of(worker), strip_control_chars(unfit.why))
        self.end("error", drain=0)

    # Messages

    def _register(self) -> None:
        runner, listen = self._runner, self._inbox.listen
        listen(_ASK, Ticket, self._on_ask)
        listen(_LATER, Ticket, lambda worker, failed: self._count((worker, failed.ticket)))
        listen(_FINISHED, Finished, lambda worker, finished: self.finished.update({worker: finished}))
        listen(_UNFIT, Unfit, self._on_unfit)
        listen(_SPENT, Nothing, self._on_spent)
        if isinstance(runner, WorkerRunner):
            runner.register_message(_ANSWER, self._on_answer)
            runner.register_message(_HALT, self._on_halt)
            runner.register_message(_FINISH, self._on_finish, concurrent=True)
            runner.register_message(_CUT, lambda **_: self.cut())

    def cut(self) -> None:
        """Abort requests in flight."""
        self._is_cut = True
        self._environment.stop_timeout = 0
        if isinstance(self._runner, MasterRunner):
            self.drain = 0
            self._runner.send_message(_CUT)
        self._runner.user_greenlets.kill(block=False)


class Signals:
    """One process's signal handlers: the first SIGINT ends the run, the second aborts requests in flight."""

    def __init__(self, run: Stopper, runner: Runner) -> None:
        self._run = run
        self._runner = runner
        self._came = 0
        # This also restores a SIGINT that the shell made us ignore (background jobs).
        gevent.signal_handler(signal.SIGINT, self.interrupted)
        if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # `nohup` ignores it
            gevent.signal_handler(signal.SIGHUP, self.hung_up)

    def interrupted(self) -> None:
        """Handle SIGINT."""
        run, is_worker = self._run, isinstance(self._runner, WorkerRunner)
        if self._came or (run.active and run.ending and not is_worker):
            run.cut()
            return
        self._came += 1
        if is_worker and run.active:
            gevent.spawn_later(WORKER_PATIENCE, self._leave)
        else:
            # Locust's own handler: it ends the run without tearing down the main greenlet.
            os.kill(os.getpid(), signal.SIGTERM)

    def hung_up(self) -> None:
        """Handle SIGHUP: the run ends as on SIGTERM; requests in flight are not aborted."""
        if not self._came and not self._run.ending:
            self.interrupted()

    def _leave(self) -> None:
        if self._run.active and self._run.reason is None:
            self._runner.quit()
