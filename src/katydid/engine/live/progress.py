"""Shows the progress of a run, of a single process or of a master.

`katydid run` shows one live line on a terminal, and in a pipe a plain line now and then. Plain `locust` shows its own
table; between its tables, its log has the same lines.
"""

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import gevent
from rich.live import Live
from rich.text import Text

from katydid.engine.live.figures import QUANTILES, LiveFigures
from katydid.engine.live.output import warning_line
from katydid.engine.options import RunOptions
from katydid.engine.run_info import RunInfo
from katydid.engine.run_state import Runtime
from katydid.engine.stages.shape import staged_shape
from katydid.load.pacing import Mode
from katydid.model.documents.manifest import Manifest
from katydid.model.formatting import format_eta, load_text, milliseconds, number, ordinal, pace, plural
from katydid.protocol.target_url import shown_url
from katydid.report.build import print_summary
from katydid.report.render.terminal import say, terminal

if TYPE_CHECKING:
    from katydid.engine.collector import Collector

logger = logging.getLogger("katydid")

LIVE_PERIOD = 0.5
PLAIN_PERIOD = 5.0
LOG_PERIOD = 10.0
"""Seconds; Locust prints its table every two."""
LINE_TIMES = {"ttft_ms": "TTFT", "duration_ms": "service time"}


class Progress:
    """Shows a run in the process that keeps its folder: on the console after `enable`, else in Locust's log.

    `figures` returns the live figures of the current run, once there are any; if `headless`, no web UI shows the run.
    """

    enabled = False
    stderr = False

    def __init__(self, runtime: Runtime, *, figures: Callable[[], LiveFigures | None], headless: bool) -> None:
        self._runtime = runtime
        self._figures = figures
        self._headless = headless
        self._console = terminal(stderr=self.stderr)
        self._live: Live | None = None
        self._greenlet: gevent.Greenlet | None = None
        self._note, self._is_staged = "", False

    @classmethod
    def enable(cls, *, stderr: bool) -> None:
        """Show the runs of this process on the console."""
        cls.enabled, cls.stderr = True, stderr

    def start(self) -> None:
        """Print the load, its duration and what aborts the run, and begin to show progress."""
        options, info = self._runtime.options, self._runtime.info
        environment = self._runtime.environment
        if options.takes_standard_output:
            self._console = terminal(stderr=True)
        host = shown_url(environment.host or "")
        limit, staged = info.failure_limit, staged_shape(environment)
        self._is_staged = staged is not None
        at_rates = staged is not None and staged.at_rates(environment.parsed_options)
        stops = f"aborts after {plural(limit, 'failed request')}" if limit else "failures do not abort it"
        how_long = _how_long(options, info) if info.users and not options.course else ""
        self.say(f"{_load(options, info, at_rates=at_rates)}, against {host}{how_long}; {stops}.")
        if self.enabled and self._console.is_terminal:
            self._live = Live(self._line(), console=self._console, auto_refresh=False, transient=True)
            self._live.start()
        if self._headless:
            self._greenlet = self._runtime.housekeeping.spawn("the display", self._run)

    def say(self, text: str) -> None:
        """Print one more line, such as the beginning of a stage."""
        if self.enabled:
            say(self._console, text)
        else:
            logger.info("%s", text)

    def warn(self, text: str) -> None:
        """Print a warning: what looks wrong, and what to do."""
        if self.enabled:
            say(self._console, warning_line(logging.WARNING, text), "yellow")
        else:
            logger.warning("%s", text)

    def stopping(self, reason: str, drain: float) -> None:
        """Print why the run ends, and how long it waits for requests in flight."""
        limit = self._runtime.info.failure_limit
        why = {
            "run-time": "The last stage is over" if self._is_staged else "The run time is over",
            "failure-threshold": f"Stopped at the {ordinal(limit)} failure",
            "interrupted": "Interrupted",
            "completed": "All requests are done",
        }.get(reason, "The run was aborted by an error")
        wait = f"; waiting up to {drain:g} s for requests in flight (Ctrl-C aborts them)" if drain else ""
        self._note = why
        self.say(f"{why}{wait}.")

    def stop(self) -> None:
        """Clear the live line."""
        if self._greenlet is not None:
            self._greenlet.kill()
        if self._live is not None:
            self._live.stop()

    def show_result(self, collector: "Collector") -> None:
        """Print the run's summary, or its headline in Locust's log if Locust shows the run."""
        if collector.report is None:
            return
        if self.enabled:
            print_summary(collector.report, self._console, str(collector.report_path))
        else:
            logger.info("%s Report: %s", collector.report.headline.text, collector.report_path)

    def _run(self) -> None:
        while True:
            gevent.sleep(LIVE_PERIOD if self._live else PLAIN_PERIOD if self.enabled else LOG_PERIOD)
            try:
                self._show(self._line())
            except OSError as error:  # nobody can see it any more, but the run goes on
                logger.warning("the progress cannot be shown any more (%s); the run goes on", error)
                return

    def _show(self, line: Text) -> None:
        if self._live is not None:
            self._live.update(line, refresh=True)
        elif self.enabled:
            self._console.print(line)
        else:
            logger.info("%s", line)

    def _line(self) -> Text:
        runtime, figures = self._runtime, self._figures()
        total = runtime.environment.stats.total
        elapsed = time.monotonic() - runtime.info.origin
        run_time, left = runtime.info.run_time, (runtime.expected_end or 0.0) - time.monotonic()
        of, eta = f" of {run_time:g}" if run_time else "", f", {format_eta(left)} left" if left > 0 else ""
        parts = [
            f"{elapsed:4.0f} s{of}{eta}",
            plural(runtime.runner.user_count, "user"),
            *([f"{number(figures.in_flight)} in flight"] if figures and runtime.paced_users() else []),
            plural(total.num_requests, "request"),
        ]
        line = Text("  ".join(parts) + "  ")
        limit = runtime.info.failure_limit
        failures = runtime.stopper.failures if limit else total.num_failures  # Locust hears of workers' with 3 s delay
        failed = f"{number(failures)} failed" + (f" of {number(limit)}" if limit else "")
        line.append(failed, style="bold red" if failures else "")
        if self._note:
            line.append("  finishing")
        if times := _times(figures, elapsed * 1000.0) if figures else "":
            fits = not self.enabled or line.cell_len + 2 + len(times) <= self._console.width
            line.append(("  " if fits else "\n       ") + times)
        return line


def _times(figures: LiveFigures, now_ms: float) -> str:
    """The quantiles of the last minute's times, measured as in the report."""
    found = {label: figures.recent(column, now_ms) for column, label in LINE_TIMES.items()}
    told = [f"{label} {'/'.join(map(milliseconds, values.values()))}" for label, values in found.items() if values]
    return f"{'/'.join(QUANTILES.values())}: {', '.join(told)}" if told else ""


def _load(options: RunOptions, info: RunInfo, *, at_rates: bool) -> str:
    """The load, in words."""
    if at_rates:
        return f"Stages at a rate of requests ({options.arrivals or 'even'} arrivals)"
    users = plural(info.users, "user") if info.users else "Users in stages"
    if options.course:
        return f"{users}, {options.course}"
    if options.mode is not Mode.PACED:
        return load_text(Manifest.of(users=info.users, **options.arrival_facts()))
    if not options.interval:
        return f"{users}, at their own pace"
    phases = {"burst": "all at once", "spawn": "from when each is spawned"}
    first = phases.get(options.phase, "spread evenly")
    if rate := info.ramp:
        each = "1 user" if rate == 1 else f"{rate:g} users"
        first = f"a ramp: {each} per second, each with its first request"
    return f"{users}, {pace(options.interval, info.users, options.starts)}, {first}"


def _how_long(options: RunOptions, info: RunInfo) -> str:
    """What ends the run, in words."""
    at_most = f", at most {info.run_time:g} s" if info.run_time else ""
    if options.trace is not None:
        return at_most
    if options.requests:
        return f", for {plural(options.requests, 'request')}{at_most}"
    return f", for {info.run_time:g} s" if info.run_time else ", until Ctrl-C (no --run-time)"
