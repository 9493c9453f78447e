"""What is seen beside the run: the target's process, or its metrics; what cannot be read leaves no row."""

import http.server
import logging
import os
import subprocess
import sys
from itertools import islice

import pytest

from katydid.engine.monitor.resource_monitor import ResourceMonitor
from serving import serving

PAGE = """# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total{replica="a"} %s
process_cpu_seconds_total{replica="b"} 1
# TYPE process_resident_memory_bytes gauge
process_resident_memory_bytes %s
# TYPE other gauge
other 99
"""


@pytest.fixture
def metrics():
    """A page of metrics; the test sets what it says, None for an error."""
    pages = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            page = pages.pop(0) if pages else None
            self.send_response(200 if page else 500)
            self.end_headers()
            self.wfile.write((page or "").encode())

        def log_message(self, *_words):
            pass

    with serving(http.server.HTTPServer(("127.0.0.1", 0), Handler)) as server:
        yield f"http://127.0.0.1:{server.server_port}/metrics", pages


def watch(pid=None, url=None):
    """What is read of the target, time after time, without the greenlet around it."""
    seen = ResourceMonitor(info=None, buffer=[], pid=pid, metrics_url=url)
    return seen._scraped() if url else seen._of_process()


def test_a_process_is_seen_with_its_children():
    program = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'print(1, flush=True); input()'])"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        process.stdout.readline()
        cpu, memory = next(watch(pid=process.pid))
        alone = next(watch(pid=os.getpid()))[1]
        process.stdin.write("\n")
    assert cpu >= 0.0
    assert memory > 8e6  # of two interpreters
    assert alone > 0


def test_a_process_that_is_gone_is_told_once_and_seen_no_more(caplog):
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    with caplog.at_level(logging.WARNING):
        assert list(watch(pid=process.pid)) == []
    assert [r.message.startswith(f"the target's process {process.pid} cannot") for r in caplog.records] == [True]


def test_without_a_process_there_is_nothing_to_see():
    assert list(watch()) == []


def test_metrics_are_summed_over_their_labels_and_cpu_is_what_came_since_the_last_time(metrics):
    url, pages = metrics
    pages += [PAGE % (1, 5e6), PAGE % (1, 6e6), PAGE % (31, 7e6)]
    first, second, third = islice(watch(url=url), 3)
    assert (first, second) == (None, (0.0, 6e6))
    assert third[0] > 100.0  # 30 seconds of CPU in a moment
    assert third[1] == 7e6


def test_metrics_that_fail_for_a_moment_leave_no_row_and_come_back(metrics):
    url, pages = metrics
    pages += [PAGE % (1, 5e6), None, PAGE % (1, 6e6)]
    assert [bool(seen) for seen in islice(watch(url=url), 3)] == [False, False, True]


def test_metrics_that_never_could_be_read_are_told_once(metrics, caplog):
    url, _pages = metrics
    with caplog.at_level(logging.WARNING):
        assert list(islice(watch(url=url), 3)) == [None] * 3
    (record,) = caplog.records
    assert record.message.startswith(f"--target-metrics {url} cannot be read (")
