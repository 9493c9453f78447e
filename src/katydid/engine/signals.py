"""End a run properly on Ctrl-C, SIGTERM or the loss of the terminal (SIGHUP)."""

import os
import signal

import gevent
from locust.runners import Runner, WorkerRunner

from katydid.engine.stopping import Stopper

WORKER_PATIENCE = 2.0
"""Seconds that an interrupted worker waits for its master to end the run for all."""


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
