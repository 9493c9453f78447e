"""Runs against servers that behave otherwise than our own target: bridges of Python's standard library, and others."""

import http.server
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest

from foreign_tools import CALLS, SLOTS, foreign_tools
from foreign_tools import SERVICE_S as SERVICE_S_OF_TOOLS
from running import ROOT, katydid, the_run

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
    assert "1 burst: one request per user, all at the same moment" in done.out
    if server is Threaded:
        assert set(run.samples["outcome"]) == {"ok"}


@pytest.mark.timeout(300)
def test_a_search_of_tool_calls_tells_requests_and_conversations_apart(tmp_path):
    with foreign_tools() as server:
        words = ("--interval", 2, "--start-users", 10, "--limit", 3, "--steps", 4, "--repeats", 2, "--hold", 12)
        done = katydid("capacity", "tools", "--host", server.url, "--model", "foreign-1", *words, folder=tmp_path)
        assert done.wait(240) == 0, done.err
    truth = SLOTS / (SERVICE_S_OF_TOOLS * (CALLS + 1))
    found = the_run(tmp_path / "reports").summary["capacity"]
    assert found["capacity"] == pytest.approx(2 * truth, rel=0.05)
    told = re.search(r"([\d.]+) conversations/s \(([\d.]+) requests/s\)", found["evidence"])
    assert float(told[1]) == pytest.approx(truth, rel=0.05)
    assert float(told[2]) == pytest.approx((CALLS + 1) * truth, rel=0.05)


# Workers that are killed

KILL_AT_S, RESTART_AFTER_S = 6, 3
SPEECH = ("--speech-start", "none", "--speech-end", "END", "--speech-fields", "type=none,final=last:true")


@contextmanager
def gateway(folder):
    """The gateway of worker_gateway.py; its process and its URL."""
    command = [sys.executable, ROOT / "tests" / "support" / "worker_gateway.py", folder]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process, f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            for pid in (folder / "pids").read_text().split():
                os.kill(int(pid), signal.SIGKILL)
            process.kill()


def test_an_outage_is_as_long_as_the_gateways_own_log_says(tmp_path):
    with gateway(tmp_path) as (process, host):
        done = katydid(
            "run", "chaos", "--host", host, "--endpoint", "/", *SPEECH, "--users", 10, "--interval", 2, "--warm-up", 0,
            "--chaos-at", KILL_AT_S, "--chaos-pid", f"cat '{tmp_path}/pids'", "--restart-after", RESTART_AFTER_S,
            "--restart-command", f"kill -HUP {process.pid}", "--run-time", "18s", folder=tmp_path,
        )  # fmt: skip
        done.wait(60)
    run = the_run(tmp_path / "reports")
    told = run.summary["resilience"]
    log = pd.DataFrame(map(json.loads, (tmp_path / "log.jsonl").read_text().splitlines()))
    killed, streams = log.loc[log["died"], "at"].min(), log[~log["died"]]
    good = streams["ok"].astype(bool)
    results = streams.loc[good & (streams["at"] > killed), "at"]
    assert told["outage_s"] == pytest.approx(max(np.diff([killed, *results])), rel=0.05)
    usual = streams.loc[streams["at"] < killed, "lag"].max()
    bad = streams[~good | (streams["lag"] > usual + 0.5)]
    assert told["recovery_s"] == pytest.approx(bad["at"].max() - killed, rel=0.05)
    kill, restart = told["events"]
    assert kill["detail"].count(",") == 3
    assert restart["at_s"] - kill["at_s"] == pytest.approx(RESTART_AFTER_S, abs=0.2)
    assert told["success"]["during"]["rate"] < told["success"]["before"]["rate"] == 1.0
    assert "killed " in done.out
    assert re.search(r"^ *When +Succeeded +Streams", done.out, re.MULTILINE), done.out
