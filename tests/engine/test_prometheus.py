"""What Prometheus scrapes, read by its own parsers."""

import prometheus_client
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from batches import monitor_rows, rows
from katydid.engine.live.prometheus import RunMetrics

OF_CHAT = {"workload": "stream", "name": "/v1/chat"}
FAILED = {"outcome": "failed", "error": "timeout", "blame": "target"}


@pytest.fixture
def metrics():
    metrics = RunMetrics(lambda: {("katydid_users", "Running users"): 7.0})
    metrics.begin("stream", {"version": 'v"1\\', "model": "m"})
    return metrics


def scraped(metrics):
    registry = CollectorRegistry()
    registry.register(metrics)
    families = text_string_to_metric_families(generate_latest(registry).decode())
    return {(s.name, *sorted(s.labels.items())): s.value for family in families for s in family.samples}


def value(metrics, series, /, **labels):
    return scraped(metrics).get((series, *sorted(labels.items())))


def test_requests_are_counted_by_outcome_error_and_blame(metrics):
    metrics.add_samples(rows({}, {}, FAILED))
    metrics.add_samples(rows(FAILED))
    ok = {"outcome": "ok", "error": "", "blame": ""}
    assert value(metrics, "katydid_requests_total", **OF_CHAT, **ok) == 2
    assert value(metrics, "katydid_requests_total", **OF_CHAT, **FAILED) == 2


def test_times_are_histograms_in_seconds_of_successful_requests(metrics):
    metrics.add_samples(rows({"ttft_ms": 100.0}, {"ttft_ms": 100.1}, {"ttft_ms": 90_000.0}, {"ttft_ms": 1.0} | FAILED))
    name = "katydid_ttft_seconds"
    assert value(metrics, name + "_bucket", **OF_CHAT, le="0.05") == 0
    assert value(metrics, name + "_bucket", **OF_CHAT, le="0.1") == 1
    assert value(metrics, name + "_bucket", **OF_CHAT, le="0.25") == 2
    assert value(metrics, name + "_bucket", **OF_CHAT, le="60.0") == 2
    assert value(metrics, name + "_bucket", **OF_CHAT, le="+Inf") == 3
    assert value(metrics, name + "_count", **OF_CHAT) == 3
    assert value(metrics, name + "_sum", **OF_CHAT) == pytest.approx(90.2001)


def test_delays_of_starts_count_for_failed_requests_too(metrics):
    metrics.add_samples(rows({"late_ms": 3.0}, {"late_ms": 4.0} | FAILED, {"late_ms": None} | FAILED))
    assert value(metrics, "katydid_start_delay_seconds_count", **OF_CHAT) == 2


def test_sums_leave_out_what_is_missing(metrics):
    metrics.add_samples(rows({"completion_tokens": 5, "bytes": 100}, {"completion_tokens": None}))
    assert value(metrics, "katydid_completion_tokens_total", **OF_CHAT) == 5
    assert value(metrics, "katydid_received_bytes_total", **OF_CHAT) == 100


def test_the_last_row_of_a_process_is_its_state(metrics):
    metrics.add_monitor(monitor_rows({"cpu_percent": 10.0}, {"cpu_percent": 55.0}, {"process": "worker-1"}))
    assert value(metrics, "katydid_process_cpu_ratio", process="local") == 0.55
    assert value(metrics, "katydid_event_loop_lag_seconds", process="worker-1") == 0.002


def test_the_run_is_told_with_its_labels_escaped(metrics):
    assert value(metrics, "katydid_run_info", version='v"1\\', model="m") == 1
    assert value(metrics, "katydid_users") == 7


def test_counters_go_on_from_run_to_run_and_processes_do_not(metrics):
    metrics.add_samples(rows({}))
    metrics.add_monitor(monitor_rows({}))
    metrics.begin("stream", {"version": "v2"})
    metrics.add_samples(rows({}))
    assert value(metrics, "katydid_requests_total", **OF_CHAT, outcome="ok", error="", blame="") == 2
    assert value(metrics, "katydid_process_users", process="local") is None


def test_openmetrics_parses_it_too(metrics):
    metrics.add_samples(rows({}, FAILED))
    metrics.add_monitor(monitor_rows({}))
    registry = CollectorRegistry()
    registry.register(metrics)
    names = {family.name for family in parse_openmetrics(generate_openmetrics(registry).decode())}
    assert {"katydid_requests", "katydid_ttft_seconds", "katydid_run"} <= names


def test_names_follow_the_conventions(metrics):
    """Base units as suffix, no unit twice: https://prometheus.io/docs/practices/naming/."""
    metrics.add_samples(rows({}))
    metrics.add_monitor(monitor_rows({}))
    for name, *_ in scraped(metrics):
        assert name.startswith("katydid_")
        assert not any(part in name.split("_") for part in ("ms", "milliseconds", "percent", "mb")), name
    assert prometheus_client.CONTENT_TYPE_LATEST.startswith("text/plain")
