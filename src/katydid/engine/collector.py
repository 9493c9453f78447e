"""Write the run folder; runs in the only process, or on the master.

The collector checks the options before any load is sent, writes rows as they arrive, and writes the reports at the end.
"""

import logging
import os
import platform
import sys
from argparse import Namespace
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import locust
import pyarrow.compute as pc
from locust.env import Environment
from locust.html import get_html_report
from locust.runners import MasterRunner

from katydid.analysis.headline import exit_code
from katydid.engine.options import RunOptions, version_label
from katydid.engine.options.load import check_load
from katydid.engine.options.parsing import run_options
from katydid.engine.run_info import WIRE_NAME, RunInfo, lead_of
from katydid.engine.run_state import ROWS, Runtime
from katydid.engine.sender.sdk_environment import vendors_host
from katydid.engine.services.base import Service
from katydid.engine.services.preflight import first_look
from katydid.engine.services.readiness import ready_target, when_ready
from katydid.engine.services.spread import open_service, services_of
from katydid.engine.spawning import first_requests, pulses, shape_at_first
from katydid.engine.stages.shape import StagedFacts, staged_shape
from katydid.engine.workers import connected
from katydid.engine.workers.messages import Rows, batch_of
from katydid.load.body import Adaptation
from katydid.load.schedule import Phase
from katydid.model.documents.base import DocumentError
from katydid.model.documents.manifest import Manifest
from katydid.model.errors import ConfigError, ExitCode, KatydidError
from katydid.model.metrics.declared import declare
from katydid.model.redact import COMPLAINT_LIMIT, Redactor
from katydid.model.version import __version__
from katydid.protocol.target_url import hosts_in, shown_url
from katydid.report.build import Report, build_report
from katydid.resources import own_commit
from katydid.runs.folder import (
    LOCUST_REPORT,
    REPORT,
    RunFolder,
    RunWriter,
    check_results,
    new_run_path,
    row_schemas,
)
from katydid.runs.rows import decode

logger = logging.getLogger("katydid")

MOST_UNSTAMPED, FEWEST_UNSTAMPED = 0.01, 10
"""Maximum share and number of reads without a kernel timestamp in a run that uses them: the first ones lack it."""


class Collector:
    """Writes the current run's folder.

    Attributes:
        folder: the folder of the last finished run; None before.
        report: the report of that run.
        watchers: called with the kind and the bytes of each batch of rows as it arrives.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._environment = runtime.environment
        self._writer: RunWriter | None = None
        self._rows_of: dict[str, int] = {}
        self._refused = 0
        """The number of rows that could not be written."""
        self._reads: tuple[int, ...] = (0, 0)
        """The numbers of reads with and without a kernel timestamp, in all processes."""
        self._checked: tuple[RunOptions, str, str, Service | None] | None = None
        self._found: tuple[Adaptation | None, str] = (None, "")
        self.folder: RunFolder | None = None
        self.report: Report | None = None
        self.watchers: list[Callable[[str, bytes], None]] = []
        self._staged = staged_shape(self._environment)
        runtime.deliver = self.take
        runtime.note = self._note
        runtime.manifest = lambda: self.manifest
        runtime.inbox.listen(ROWS, Rows, self._on_rows)

    @property
    def manifest(self) -> Manifest:
        """The current run's manifest; empty without a run."""
        return self._writer.manifest if self._writer else Manifest.read({})

    @property
    def notes(self) -> list[str]:
        """Preflight's notes for the user."""
        adaptation, note = self._found
        told = f"the target rejects fields of the request, so they were changed: {adaptation}" if adaptation else ""
        return [line for line in (told, note) if line]

    @property
    def report_path(self) -> Path | None:
        """The path of the last run's report."""
        return self.folder.path / REPORT if self.folder else None

    @property
    def _waits_for_all(self) -> bool:
        return any(user.waits_for_all for user in self._runtime.paced_users())

    # Before the load

    def check(self, parsed: Namespace, host: str, *, waits: bool = False) -> None:
        """Check that a run with these options can start.

        Args:
            parsed: the options from Locust's command line or web form.
            host: URL of the target.
            waits: apply `--wait-ready`; the web form does not wait.

        Raises:
            ConfigError: the run cannot start; only preflight requests have been sent.
        """
        check_load(parsed)
        options = run_options(parsed, self._runtime.options_class)
        users, staged = self._runtime.paced_users(), self._staged
        options.check_arrivals(users, at_rates=staged is not None and staged.at_rates(parsed))
        options.check_leaving(*users)
        if self._environment.shape_class is not None:
            options.check_shape(staged=staged is not None)
        if staged is not None:
            staged.check(parsed)
        if options.ramp and (options.phase == Phase.BURST or self._waits_for_all):
            raise ConfigError(f"--ramp {options.ramp:g}: all users of this run start together: leave it out")
        check_results(Path(options.results), *options.results_beside)
        model, service = options.model or "", None
        if users:
            variable = ""
            if not host:
                host, variable = vendors_host(options.api)
                self._environment.host = host or None
            if not host:
                raise ConfigError("no target: give its URL with --host or LOCUST_HOST, or try --embedded-target")
            service = open_service(users[0].service_class, options, host)
            patience = options.wait_ready if waits else 0.0
            model = when_ready(lambda: first_look(service, host, options.tls), patience, _tell)
            where = f"the target is {shown_url(host)}, from {variable}" if variable else ""
            note = Redactor(service.secrets()).text(
                getattr(service, "note", ""), COMPLAINT_LIMIT
            )  # the note quotes the target
            unsure = "the target's certificate is not verified (--insecure)" if options.insecure else ""
            told = "; ".join(filter(None, (where, note, unsure)))
            self._found = (getattr(service, "adaptation", None), told)
        self._checked = (options, host, model, service)

    def begin(self) -> None:
        """Create the run's folder, and publish the run's facts to all processes."""
        if self._checked is None:
            assert self._environment.parsed_options is not None  # noqa: S101 - it was started from a command line
            self.check(self._environment.parsed_options, self._environment.host or "")
        assert self._checked is not None  # noqa: S101 - check() has set it or raised
        (options, host, model, service), self._checked = self._checked, None
        self._runtime.prepared = service
        if options.before_run and service is not None:
            for each, url in zip(services_of(service), hosts_in(host), strict=True):
                ready_target(options.before_run, url, options.tls, each.credentials.headers, service.secrets())
        adaptation = self._found[0]
        runner = self._runtime.runner
        users = None if self._environment.shape_class else runner.target_user_count
        ranks = self._ranks()
        workers = len(ranks) or 1
        options.check_processes(users, workers)
        run_time = self._run_time()
        staged = self._staged.facts(self._workload()) if self._staged else StagedFacts()
        spawn_rate = options.user_ramp or getattr(self._environment.parsed_options, "spawn_rate", None)
        shape = None if self._staged else self._environment.shape_class
        phase, ramp = shape_at_first(options, shape) if shape else first_requests(options, users or 0, spawn_rate)
        info = RunInfo(
            users=users,
            workers=workers,
            model=model,
            warm_up=options.warm_up_seconds(run_time, users),
            run_time=run_time,
            failure_limit=staged.get("failure_threshold", options.failure_threshold),
            ramp=ramp,
            adaptation=adaptation.as_dict() if adaptation else None,
            calibration=getattr(service, "calibration", None),
            ranks=ranks,
        ).begun(lead_of(options.mode, remote=self._runtime.is_master))
        setattr(self._environment.parsed_options, WIRE_NAME, info.to_wire())
        started = datetime.fromtimestamp(info.origin_wall, UTC)
        version = version_label(options, Path.cwd())
        path = new_run_path(Path(options.results), staged.get("workload", self._workload()), version, started)
        self._rows_of = {}
        self._refused = 0
        self._reads = (0, 0)
        self._writer = _writer(
            path,
            {
                "workload": self._workload(),
                "version": version,
                "host": shown_url(host),
                "model": model,
                "adapted": adaptation.as_dict() if adaptation else None,
                "users": users,
                "spawn_rate": spawn_rate,
                "ramp_per_s": ramp,
                "phase": str(phase),
                "phase_asked": options.phase,
                **options.arrival_facts(),
                **options.due_facts(run_time, info.warm_up),
                "pulses": pulses(options, users or 0, spawn_rate, shape) and not self._waits_for_all,
                "users_leave": any(user.ends_itself for user in self._runtime.paced_users()) or None,
                "failure_threshold": info.failure_limit,
                "run_time_s": info.run_time,
                "request_timeout_s": options.request_timeout,
                "idle_timeout_s": options.idle_timeout,
                "drain_s": options.drain_seconds,
                "warm_up_s": info.warm_up,
                "check": options.check,
                "client": options.client,
                **({"timestamp_source": service.timestamp_source, **service.facts()} if service else {}),
                "options": options.shown(),
                "katydid_version": __version__,
                "katydid_commit": own_commit(),
                "locust_version": locust.__version__,
                "python_version": platform.python_version(),
                "machine": f"{platform.node()} {platform.system()} {platform.release()} {platform.machine()}",
                "cpu_count": os.cpu_count(),
                "workers": workers,
                "started_utc": started.isoformat(timespec="milliseconds"),
                **staged,
                **self._declared(),
            },
        )

    def _ranks(self) -> dict[str, int]:
        """The workers' ranks by id; empty if this process sends the requests itself."""
        runner = self._runtime.runner
        if not isinstance(runner, MasterRunner):
            return {}
        return {client: rank for rank, client in enumerate(sorted(connected(runner), key=runner.get_worker_index))}

    def _workload(self) -> str:
        names = {user_class.workload for user_class in self._runtime.paced_users()}
        if len(names) == 1:
            return str(names.pop())
        return Path(self._environment.locustfile or "run").stem

    def _declared(self) -> dict[str, object]:
        """The columns, metrics and rules of the run's users."""
        users = self._runtime.paced_users()
        metrics = dict.fromkeys(metric for user in users for metric in user.metrics)
        rules = dict.fromkeys(rule.name for user in users if user.record for rule in user.record.rules)
        return declare(self._runtime.columns, metrics, rules)

    def _run_time(self) -> float | None:
        """The requested seconds of load; None if stages set their own durations."""
        run_time = None if self._staged else getattr(self._environment.parsed_options, "run_time", None)
        return float(run_time) if run_time else None

    # Rows

    def take(self, kind: str, batch: bytes) -> None:
        """Write a batch of rows; a write error ends the run."""
        if (writer := self._writer) is None:
            return
        try:
            writer.append(kind, batch)
        except OSError as error:
            if not self._refused:
                remedy = "make room on the disk" if writer.path.is_dir() else "its folder and all its rows are gone"
                logger.error("rows cannot be written (%s): the run ends; %s", error, remedy)  # noqa: TRY400 - one line
            self._refused += decode(batch).num_rows
            self._runtime.stopper.end("error", drain=0)
        if kind == "monitor":
            rows = decode(batch)
            self._reads = tuple(
                known + int(pc.sum(rows[name]).as_py() or 0)
                for known, name in zip(self._reads, ("stamped_reads", "unstamped_reads"), strict=True)
            )
        guard = self._runtime.housekeeping.guard
        if self._staged is not None and kind == "samples":
            guard("the load shape", self._staged.take, decode(batch))
        for watch in self.watchers:
            guard("the live view", watch, kind, batch)

    def _stamps(self, manifest: Manifest) -> dict[str, object]:
        """The manifest's entries about the source of timestamps, corrected to what was really used."""
        kernel, own = self._reads
        if not kernel + own:
            return {}
        source = manifest.timestamp_source
        if source == "kernel" and own > max(FEWEST_UNSTAMPED, MOST_UNSTAMPED * (kernel + own)):
            source = "user"
        return {"timestamp_source": source, "reads": {"kernel": kernel, "user": own}}

    def _note(self, **facts: object) -> None:
        if self._writer is not None:
            self._writer.note(**facts)

    def _on_rows(self, worker: str, rows: Rows) -> None:
        count = batch_of(rows, row_schemas(self._runtime.columns)).num_rows
        if rows.kind == "samples":
            self._rows_of[worker] = self._rows_of.get(worker, 0) + count
        self.take(rows.kind, rows.batch)

    # The end

    def finish(self, ended: str, stopped_at_ms: float, ended_at_ms: float) -> ExitCode:
        """Close the folder and write all reports; return the run's exit code."""
        assert self._writer is not None  # noqa: S101 - begin() has run
        writer, self._writer = self._writer, None
        stopper = self._runtime.stopper
        lost = sum(promised - self._rows_of.get(worker, 0) for worker, promised in stopper.rows_promised.items())
        outcome = {
            "ended": ended,
            "stopped_at_ms": round(stopped_at_ms, 3),
            "ended_at_ms": round(ended_at_ms, 3),
            "lost_workers": stopper.lost_workers if self._runtime.is_master else [],
            "missing_rows": lost + self._refused,
            **self._stamps(writer.manifest),
            "nulled_values": self._runtime.nulled() + sum(stopper.nulled.values()),
        }
        try:
            self.folder = writer.finish(**outcome)
            self.report = build_report(self.folder)
            html = get_html_report(self._environment, show_download_link=False)
            host = self._environment.host or ""
            self.folder.write_text(LOCUST_REPORT, html.replace(host, shown_url(host)) if host else html)
        except (OSError, KatydidError) as error:
            where = f"its rows are safe: katydid report {writer.path}" if writer.path.is_dir() else "its folder is gone"
            logger.error("the run is not complete (%s); %s", error, where)  # noqa: TRY400 - one line
            return ExitCode.INVALID
        except Exception:
            logger.exception("the report of %s failed; its samples are safe", writer.path)
            return ExitCode.INTERNAL
        return exit_code(self.report.summary)


def collector_for(environment: Environment) -> Collector | None:
    """A collector, if this process writes the run folder."""
    runtime = Runtime.of(environment)
    return None if runtime.is_worker else Collector(runtime)


def _tell(line: str) -> None:
    """Print a line to the user before any run."""
    print(f"katydid: {line}", file=sys.stderr, flush=True)  # noqa: T201 - the progress display does not exist yet


def _writer(path: Path, facts: Mapping[str, object]) -> RunWriter:
    try:
        return RunWriter(path, facts)
    except DocumentError as error:  # they include a custom workload's facts
        raise ConfigError(f"the workload's facts() do not fit the manifest ({error}): fix the workload") from None
