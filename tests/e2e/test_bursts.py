"""Bursts end to end: the service's concurrency, against our own target and servers written by others.

The first experiment's times are divided by ten: 0.78 s a request, a timeout of 3 s.
"""

import http.server
import threading
import time

import pytest

from katydid.target.process import start_target
from running import COMPLETE, katydid, the_run

pytestmark = pytest.mark.e2e

SERVICE = {"ttft": 0.70, "chunk_interval": 0.01, "chunks": 9}  # 0.78 s


class SlowPage(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        time.sleep(0.78)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


class Quiet:
    """A server whose clients may leave."""

    def handle_error(self, *_):
        pass


class SingleThreaded(Quiet, http.server.HTTPServer):
    pass


class Threaded(Quiet, http.server.ThreadingHTTPServer):
    pass


def burst(folder, *words, host, timeout=3):
    done = katydid("run", "burst", "--host", host, "--request-timeout", str(timeout), *words, folder=folder)
    assert done.wait() == 0, done.err
    return done, the_run(folder / "reports")


def outcomes(run):
    return [user["status"] for user in run.summary["per_user"]]


def test_a_service_that_serves_one_connection_at_a_time(tmp_path):
    with start_target(single_threaded=True, **SERVICE) as target:
        done, run = burst(tmp_path, host=target.url)
    assert "one at a time" in run.summary["diagnosis"]
    assert outcomes(run).count("completed") in {3, 4}
    assert outcomes(run).count("timeout") in {6, 7}
    assert run.summary["valid"]
    assert run.manifest["ended"] == "completed"
    assert run.files == COMPLETE
    assert "one at a time" in done.out
    assert "one at a time" in (run.path / "report.html").read_text()


def test_four_slots_and_users_in_two_processes(tmp_path):
    with start_target(slots=4, **SERVICE) as target:
        _, run = burst(tmp_path, "--processes", "2", host=target.url)
    assert "4 at a time" in run.summary["diagnosis"]
    assert sorted(user["user"] for user in run.summary["per_user"]) == list(range(10))
    (row,) = run.summary["bursts"]
    assert row["connected_before"] == row["peak_in_flight"] == 10
    assert row["start_spread_ms"] < 300
    assert set(run.samples["worker"]) == {"worker-0", "worker-1"}
    found = run.summary["concurrency"]
    assert (found["alone_before_ms"], found["alone_after_ms"]) == (pytest.approx(780, rel=0.2),) * 2
    assert run.samples["role"].value_counts().to_dict() == {"alone before": 1, "smaller burst": 5, "alone after": 1}


@pytest.mark.slow
def test_several_bursts_of_a_service_without_limits(tmp_path):
    with start_target(**SERVICE) as target:
        _, run = burst(tmp_path, "--bursts", "2", "--burst-pause", "0.5", "--users", "4", host=target.url, timeout=1)
    assert "all at once" in run.summary["diagnosis"]
    assert [row["burst"] for row in run.summary["bursts"]] == [0, 1]
    assert set(outcomes(run)) == {"completed"}
    assert len(run.summary["per_user"]) == 8
    starts = run.samples.groupby("iteration")["start_ms"].min()
    assert 1400 < starts[1] - starts[0] < 3000


@pytest.mark.slow
@pytest.mark.parametrize(
    ("server", "verdict"), [(SingleThreaded, "one at a time"), (Threaded, "all at once")], ids=["single", "threading"]
)
def test_pythons_own_servers_by_a_plain_path(tmp_path, server, verdict):
    with server(("127.0.0.1", 0), SlowPage) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        try:
            _, run = burst(tmp_path, "--burst-path", "/", host=f"http://127.0.0.1:{running.server_address[1]}")
        finally:
            running.shutdown()
    assert verdict in run.summary["diagnosis"]
    assert run.manifest["endpoint"] == "/"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--bursts", "0"), "--bursts 0 must be more than 0"),
        (("--burst-path", "slow"), "--burst-path 'slow' is not a path"),
        (("--burst-path", "/"), "does not accept connections: start it"),
    ],
)
def test_bad_input_is_one_line(tmp_path, words, message):
    done = katydid("run", "burst", "--host", "http://127.0.0.1:1", *words, folder=tmp_path)
    assert done.wait(30) == 2
    assert message in done.err
    assert len(done.err.strip().splitlines()) == 1
