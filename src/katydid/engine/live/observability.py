"""Connects a process's live figures, alarms and metrics to Locust's web UI and to Prometheus.

Only the process that keeps the run folder (the only one, or the master) can be watched, since it receives all rows.
"""

import sys
import time
from argparse import Namespace
from pathlib import Path

from flask import Response
from gevent.pywsgi import WSGIServer
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest, make_wsgi_app

from katydid.analysis.derived import late_limit_ms
from katydid.engine.collector import Collector
from katydid.engine.live.alarms import Alarms
from katydid.engine.live.figures import Batch, LiveFigures
from katydid.engine.live.prometheus import RunMetrics
from katydid.engine.live.web import Page, add_runs, add_tab, offer_last_start, report_link
from katydid.engine.options import WatchOptions
from katydid.engine.options.parsing import run_options
from katydid.engine.run_state import Runtime
from katydid.model.documents.manifest import Manifest
from katydid.model.errors import ConfigError
from katydid.model.version import __version__
from katydid.protocol.target_url import shown_url


class Watch:
    """Shows the runs of one process.

    Raises:
        ConfigError: the port for metrics cannot be used.
    """

    def __init__(self, runtime: Runtime, collector: Collector, web_ui: Page | None) -> None:
        self._runtime = runtime
        self._collector = collector
        self.figures: LiveFigures | None = None
        self._metrics = RunMetrics(self._state)
        self._registry = CollectorRegistry()
        self._registry.register(self._metrics)
        parsed = runtime.environment.parsed_options
        assert parsed is not None  # noqa: S101 - the process was started from a command line
        options = run_options(parsed, WatchOptions)
        self._port = options.metrics_port
        self._alarms: Alarms | None = None
        self._scraped = web_ui is not None or self._port is not None
        collector.watchers.append(self._take)
        if web_ui is not None:
            self._extend(web_ui, parsed)
        if self._port is not None:
            self._serve(options.metrics_host, self._port)

    def begin(self) -> None:
        """Start with empty figures for a new run."""
        options, info = self._runtime.options, self._runtime.info
        facts = self._collector.manifest
        self._alarms = Alarms(options.user_interval, full_load=not facts.plan, at_rate=options.mode.is_open)
        self.figures = LiveFigures(late_limit_ms(Manifest.of(interval_s=options.user_interval)))
        told = {key: str(facts.get(key) or "") for key in ("workload", "version", "model")}
        told |= {"host": shown_url(self._runtime.environment.host or ""), "users": str(info.users or "")}
        self._metrics.begin(told["workload"], {**told, "katydid_version": __version__})

    def _take(self, kind: str, data: bytes) -> None:
        if kind not in {"samples", "monitor"} or self.figures is None or self._alarms is None:
            return
        batch = Batch(data)
        for reader in (self.figures, self._metrics) if self._scraped else (self.figures,):
            if kind == "samples":
                reader.add_samples(batch)
            else:
                reader.add_monitor(batch)
        if self._alarms.wants(kind):
            for text in self._alarms.add(kind, batch):
                self._runtime.warn(text)

    def _state(self) -> dict[tuple[str, str], float]:
        runtime = self._runtime
        state = {
            ("katydid_run_active", "Whether a run goes on"): float(runtime.stopper.active),
            ("katydid_users", "Running users"): float(runtime.runner.user_count),
        }
        if hasattr(runtime, "options"):
            limit = float(runtime.info.failure_limit)
            state["katydid_failure_threshold", "Failed requests that end the run; 0 for none"] = limit
            state["katydid_run_failures", "Failed requests of the run, as the threshold counts"] = float(self._failures)
        return state

    @property
    def _failures(self) -> int:
        """Failures so far; without a threshold the stopper has no tally, so those of the reported samples count."""
        runtime = self._runtime
        if runtime.info.failure_limit or self.figures is None:
            return runtime.stopper.failures
        return self.figures.failed

    def _is_busy(self) -> bool:
        return self._runtime.stopper.active

    def _extend(self, web_ui: Page, options: Namespace) -> None:
        def metrics() -> Response:
            return Response(generate_latest(self._registry), content_type=CONTENT_TYPE_LATEST)

        base_path = options.web_base_path
        add_runs(web_ui, base_path, lambda: Path(options.results), self._is_busy)
        add_tab(web_ui, self._rows, self._is_busy)
        offer_last_start(web_ui, options)
        guarded = web_ui.auth_required_if_enabled(metrics)
        web_ui.app.add_url_rule(f"{base_path.rstrip('/')}/metrics", "katydid_metrics", guarded)

    def _rows(self) -> list[dict[str, str]]:
        runtime = self._runtime
        if self.figures is None:
            return []
        now_ms = runtime.info.ms(time.monotonic())
        rows = self.figures.rows(now_ms=now_ms, failures=self._failures, threshold=runtime.info.failure_limit)
        if not self._is_busy() and self._collector.folder is not None:
            rows.append({"figure": "Report", "recent": "", "whole": report_link(self._collector.folder.path)})
        return rows

    def _serve(self, host: str, port: int) -> None:
        server = WSGIServer((host, port), make_wsgi_app(self._registry), log=None)
        try:
            server.start()
        except OSError as error:
            raise ConfigError(f"--metrics-port {port} on {host}: {error.strerror}; choose another port") from None
        print(f"katydid: metrics on http://{host}:{server.server_port}/metrics", file=sys.stderr)  # noqa: T201 - port 0
