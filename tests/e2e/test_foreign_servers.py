"""Runs against servers that behave otherwise than our own target: bridges of Python's standard library, and others."""

import http.server
import json
import threading
import time
from contextlib import contextmanager

import pytest

from running import katydid, the_run

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

SERVICE_S = 7.8
TIME_OUT_S = 30.0


class Bridge(http.server.BaseHTTPRequestHandler):
    """Answers a POST after SERVICE_S, in one piece; it knows no GET."""

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        time.sleep(SERVICE_S)
        body = json.dumps({"reply": f"You said: {asked['message']}"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Not on the test's terminal."""


class Single(http.server.HTTPServer):
    def handle_error(self, *_):
        """Its clients may leave."""


class Threaded(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """Its clients may leave."""


@contextmanager
def served(server_class):
    server = server_class(("127.0.0.1", 0), Bridge)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:  # not `server_close`: it waits for whom it serves
        threading.Thread(target=server.shutdown, daemon=True).start()
        server.socket.close()


@pytest.mark.parametrize(("server", "verdict"), [(Single, "one at a time"), (Threaded, "all at once")])
def test_a_bridge_that_takes_a_post(tmp_path, server, verdict):
    with served(server) as host:
        words = ("--burst-path", "/bridge", "--burst-body", '{"message": "hello"}', "--request-timeout", TIME_OUT_S)
        done = katydid("run", "burst", "--host", host, "--users", 10, *words, folder=tmp_path)
        assert done.wait(100) == 0, done.err
    run = the_run(tmp_path / "reports")
    assert run.summary["concurrency"]["verdict"] == verdict
    assert run.samples["waited_ms"].max() < TIME_OUT_S * 1000 + 500
    assert "1 burst: one request each at the same moment" in done.out
    if server is Threaded:
        assert set(run.samples["outcome"]) == {"ok"}
