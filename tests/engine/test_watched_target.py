"""The target's CPU and memory, as its own process and as Prometheus' client library tell them."""

import subprocess
import sys

import gevent
import pytest

from katydid.engine.monitor import resource_monitor
from katydid.engine.monitor.resource_monitor import ResourceMonitor
from katydid.engine.run_info import RunInfo
from katydid.runs.rows import MACHINE, TARGET, MonitorRow, RowBuffer, decode, record_schema

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Prometheus' client tells of processes on Linux only")

SERVER = """
import time
from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server
registry = CollectorRegistry()
server, _ = start_http_server(0, addr="127.0.0.1", registry=registry)
empty, _ = start_http_server(0, addr="127.0.0.1", registry=CollectorRegistry())
ProcessCollector(registry=registry)
print(server.server_port, empty.server_port, flush=True)
while True:
    until = time.monotonic() + 0.05
    while time.monotonic() < until:
        pass
    time.sleep(0.05)
"""


@pytest.fixture
def service():
    """A busy process; its port with metrics, and the one without any."""
    with subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True) as process:
        yield process, *map(int, process.stdout.readline().split())
        process.kill()


@pytest.fixture(autouse=True)
def hurry(monkeypatch):
    monkeypatch.setattr(resource_monitor, "PERIOD", 0.2)


def seen(seconds, pid=None, url=None, then=lambda: None):
    """Rows by process."""
    buffer = RowBuffer(record_schema(MonitorRow))
    info = RunInfo(users=1, workers=1, model="m", warm_up=0.0).begun()
    watching = gevent.spawn(ResourceMonitor(info, buffer, pid, url).run)
    gevent.sleep(seconds)
    then()
    assert not watching.dead, "it goes on, whatever the target does"
    watching.kill()
    rows = decode(buffer.drain()).to_pandas()
    return rows[rows["process"] == MACHINE], rows[rows["process"] == TARGET]


def test_what_a_target_gives_to_prometheus_is_recorded(service):
    _, port, _ = service
    machine, target = seen(1.6, url=f"http://127.0.0.1:{port}/metrics")
    assert len(target) >= 3
    assert len(target) < len(machine), "the first look has nothing to compare its CPU seconds with"
    assert target["cpu_percent"].max() > 5
    assert target["memory_bytes"].between(5e6, 5e8).all()


def test_both_ways_to_look_agree_about_memory(service):
    process, port, _ = service
    _, told = seen(1.0, url=f"http://127.0.0.1:{port}/metrics")
    _, watched = seen(1.0, pid=process.pid)
    assert told["memory_bytes"].median() == pytest.approx(watched["memory_bytes"].median(), rel=0.2)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/metrics", "no url at all"])
def test_metrics_that_cannot_be_read_are_told_of_once_and_leave_no_row(url, caplog):
    machine, target = seen(0.7, url=url)
    assert len(machine) >= 2
    assert target.empty
    assert [r.message for r in caplog.records if "--target-metrics" in r.message] == [caplog.records[0].message]
    assert url in caplog.records[0].message


def test_metrics_without_what_a_process_uses_are_no_zeros(service, caplog):
    _, _, empty = service
    _, target = seen(0.7, url=f"http://127.0.0.1:{empty}/metrics")
    assert target.empty
    assert "it has no valid process_cpu_seconds_total" in caplog.text


def test_a_target_that_dies_leaves_the_rows_it_had(service):
    process, port, _ = service
    _, target = seen(1.2, url=f"http://127.0.0.1:{port}/metrics", then=lambda: (process.kill(), gevent.sleep(0.5)))
    assert len(target) >= 2
