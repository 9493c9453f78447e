"""Write the run folder; runs in the only process, or on the master.

The collector checks the options before any load is sent, writes rows as they arrive, and writes the reports at the end.
"""

import logging
import os
import platform
from argparse import Namespace
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import locust
import pyarrow.compute as pc
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
from katydid.engine.spawning import first_requests
from katydid.engine.stages.shape import StagedFacts, staged_shape
from katydid.engine.workers import connected
from katydid.engine.workers.messages import Rows, batch_of
from katydid.engine.workers.presence import tell
from katydid.load.pacing import Phase
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
        notes: what the check has found out about the target, for the user.
        folder: the folder of the last finished run; None before.
        report: the report of that run.
        watchers: called with the kind and the bytes of each batch of rows as it arrives.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._environment = runtime.environment
        self._staged = staged_shape(self._environment)
        self._writer: RunWriter | None = None
        self._checked: tuple[RunOptions, str, str, Service | None] | None = None
        self.notes: list[str] = []
        self.folder: RunFolder | None = None
        self.report: Report | None = None
        self.watchers: list[Callable[[str, bytes], None]] = []
        self._forget()
        runtime.deliver = self.take
        runtime.note = self._note
        runtime.manifest = lambda: self.manifest
        runtime.inbox.listen(ROWS, Rows, self._on_rows)

    def _forget(self) -> None:
        """Reset the counts of the last run."""
        self._rows_of: Counter[str] = Counter()
        """Samples by the worker that sent them."""
        self._refused = 0
        """The number of rows that could not be written."""
        self._reads: Counter[str] = Counter()
        """Reads with and without a kernel timestamp, in all processes."""

    @property
    def manifest(self) -> Manifest:
        """The current run's manifest; empty without a run."""
        return self._writer.manifest if self._writer else Manifest.read({})

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
        run_time = check_load(parsed)
        options = run_options(parsed, self._runtime.options_class)
        users, staged = self._runtime.paced_users(), self._staged
        if run_time and staged is None and (options.warm_up or 0.0) >= run_time:
            unmeasured = f"--warm-up {options.warm_up:g}s leaves nothing of --run-time {run_time:g}s to measure"
            raise ConfigError(f"{unmeasured}: shorten the warm-up, or lengthen the run")
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
            model = when_ready(lambda: first_look(service, host, options.tls), patience, tell)
            where = f"the target is {shown_url(host)}, from {variable}" if variable else ""
            # The service's note quotes the target.
            note = Redactor(service.secrets()).text(getattr(service, "note", ""), COMPLAINT_LIMIT)
            unsure = "the target's certificate is not verified (--insecure)" if options.insecure else ""
            told = ["; ".join(filter(None, (where, note, unsure)))]
            if adaptation := getattr(service, "adaptation", None):
                told.insert(0, f"the target rejects fields of the request, so they were changed: {adaptation}")
            self.notes = list(filter(None, told))
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
        adaptation = getattr(service, "adaptation", None)
        adapted = adaptation.as_dict() if adaptation else None
        users = None if self._environment.shape_class else self._runtime.runner.target_user_count
        ranks = self._ranks()
        workers = len(ranks) or 1
        options.check_processes(users, workers)
        asked_time = None if self._staged else getattr(self._environment.parsed_options, "run_time", None)
        run_time = float(asked_time) if asked_time else None
        staged = self._staged.facts(self._workload()) if self._staged else StagedFacts()
        spawn_rate = options.user_ramp or getattr(self._environment.parsed_options, "spawn_rate", None)
        shape = None if self._staged else self._environment.shape_class
        first = first_requests(options, users or 0, spawn_rate, shape)
        info = RunInfo(
            users=users,
            workers=workers,
            model=model,
            warm_up=options.warm_up_seconds(run_time, users),
            run_time=run_time,
            failure_limit=staged.get("failure_threshold", options.failure_threshold),
            ramp=first.ramp,
            adaptation=adapted,
            calibration=getattr(service, "calibration", None),
            ranks=ranks,
        ).begun(lead_of(options.mode, remote=self._runtime.is_master))
        setattr(self._environment.parsed_options, WIRE_NAME, info.to_wire())
        started = datetime.fromtimestamp(info.origin_wall, UTC)
        version = version_label(options, Path.cwd())
        path = new_run_path(Path(options.results), staged.get("workload", self._workload()), version, started)
        self._forget()
        facts: dict[str, object] = {
            "workload": self._workload(),
            "version": version,
            "host": shown_url(host),
            "model": model,
            "adapted": adapted,
            "users": users,
            "spawn_rate": spawn_rate,
            "ramp_per_s": first.ramp,
            "phase": str(first.phase),
            "phase_asked": options.phase,
            **options.arrival_facts(),
            **options.due_facts(run_time, info.warm_up),
            "pulses": first.pulses and not self._waits_for_all,
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
        }
        try:
            self._writer = RunWriter(path, facts)
        except DocumentError as error:  # they include a custom workload's facts
            raise ConfigError(f"the workload's facts() do not fit the manifest ({error}): fix the workload") from None

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
            self._reads["kernel"] += int(pc.sum(rows["stamped_reads"]).as_py() or 0)
            self._reads["user"] += int(pc.sum(rows["unstamped_reads"]).as_py() or 0)
        guard = self._runtime.housekeeping.guard
        if self._staged is not None and kind == "samples":
            guard("the load shape", self._staged.take, decode(batch))
        for watch in self.watchers:
            guard("the live view", watch, kind, batch)

    def _stamps(self, manifest: Manifest) -> dict[str, object]:
        """The manifest's entries about the source of timestamps, corrected to what was really used."""
        total, own = self._reads.total(), self._reads["user"]
        if not total:
            return {}
        source = manifest.timestamp_source
        if source == "kernel" and own > max(FEWEST_UNSTAMPED, MOST_UNSTAMPED * total):
            source = "user"
        return {"timestamp_source": source, "reads": {"kernel": self._reads["kernel"], "user": own}}

    def _note(self, **facts: object) -> None:
        if self._writer is not None:
            self._writer.note(**facts)

    def _on_rows(self, worker: str, rows: Rows) -> None:
        count = batch_of(rows, row_schemas(self._runtime.columns)).num_rows
        if rows.kind == "samples":
            self._rows_of[worker] += count
        self.take(rows.kind, rows.batch)

    # The end

    def finish(self, ended: str, stopped_at_ms: float, ended_at_ms: float) -> ExitCode:
        """Close the folder and write all reports; return the run's exit code."""
        assert self._writer is not None  # noqa: S101 - begin() has run
        writer, self._writer = self._writer, None
        stopper = self._runtime.stopper
        lost = sum(last.rows - self._rows_of[worker] for worker, last in stopper.finished.items())
        outcome = {
            "ended": ended,
            "stopped_at_ms": round(stopped_at_ms, 3),
            "ended_at_ms": round(ended_at_ms, 3),
            "lost_workers": stopper.lost_workers if self._runtime.is_master else [],
            "missing_rows": lost + self._refused,
            **self._stamps(writer.manifest),
            "nulled_values": self._runtime.finished().nulled + sum(last.nulled for last in stopper.finished.values()),
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
