"""Locust's own web UI, with our options in it: start, watch and stop a run."""

import json
import re
import time
import urllib.parse
import urllib.request

import pytest

from katydid.target.process import start_target
from running import COMPLETE, free_port, locust, runs_in, wait_until

pytestmark = pytest.mark.e2e


class Page:
    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}"

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=5) as answer:
            return answer.read().decode()

    def up(self):
        try:
            return self.get("/")
        except OSError:
            return None

    def start(self, **form):
        data = urllib.parse.urlencode({"user_count": 5, "spawn_rate": 5, **form}).encode()
        with urllib.request.urlopen(self.url + "/swarm", data, timeout=20) as answer:
            return json.loads(answer.read())

    def stop(self):
        request = urllib.request.Request(self.url + "/stop", method="POST")
        urllib.request.urlopen(request, timeout=60).close()

    def stats(self):
        return json.loads(self.get("/stats/requests"))


@pytest.fixture
def page(tmp_path):
    port = free_port()
    process = locust(
        "--web-host", "127.0.0.1", "--web-port", port, folder=tmp_path, env={"LOAD_TEST_API_KEY": "sk-canary-4711"}
    )
    page = Page(port)
    wait_until(page.up, 30, "the web page")
    page.process = process
    yield page
    process.end()


def test_a_run_is_started_watched_and_stopped_in_the_page(page, tmp_path):
    html = page.get("/")
    for option in ("interval", "failure_threshold", "version_label", "phase", "request_timeout"):
        assert re.search(rf'"{option}"', html), option
    assert "sk-canary" not in html
    assert json.loads(re.search(r'"spawn_rate": ?([^,}]+)', html)[1]) == 100, "all users within ten seconds"
    with start_target(ttft=0.02, chunk_interval=0.01, chunks=5) as target:
        told = page.start(host=target.url, interval="0.5", version_label="from-page", failure_threshold="0")
        assert told["success"], told
        wait_until(lambda: page.stats()["total_rps"] > 0, 20, "requests in the page")
        page.stop()
        (run,) = runs_in(tmp_path / "reports")
        assert run.files == COMPLETE
        assert run.manifest["version"] == "from-page"
        assert run.manifest["interval_s"] == 0.5
        assert run.manifest["ended"] == "interrupted"
        assert page.up(), "the page stays"

        told = page.start(host=target.url, interval="500ms", idle_timeout="", drain="1.5s", run_time="1.5m")
        assert told["success"], told
        wait_until(lambda: page.stats()["user_count"] == 5, 20, "a second run")
        page.stop()
    *_, second = sorted(runs_in(tmp_path / "reports"), key=lambda run: run.manifest["started_utc"])
    assert (second.manifest["interval_s"], second.manifest["run_time_s"]) == (0.5, 90.0)
    assert (second.manifest["options"]["idle_timeout"], second.manifest["options"]["drain"]) == (30.0, 1.5)


def test_the_failure_threshold_stops_the_run_and_leaves_the_page_up(page, tmp_path):
    with start_target(fail=("http_500",)) as target:
        page.start(host=target.url, interval="0.5", failure_threshold="3")
        wait_until(lambda: page.stats()["state"] == "stopped", 30, "the stop")
    (run,) = runs_in(tmp_path / "reports")
    failed = run.samples[(run.samples["outcome"] == "failed") & ~run.samples["after_stop"]]
    assert len(failed) == 3
    assert run.manifest["ended"] == "failure-threshold"
    assert page.up()


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"host": "http://127.0.0.1:1"}, "does not answer"),
        ({"host": "", "interval": "5"}, "no target"),
        ({"host": "http://127.0.0.1:1", "interval": "-1"}, "--interval -1 must not be negative"),
        ({"host": "http://127.0.0.1:1", "user_count": "0"}, "--users 0 must be from 1 to 1000000"),
        ({"host": "http://127.0.0.1:1", "user_count": "-5"}, "--users -5 must be from 1 to 1000000"),
        ({"host": "http://127.0.0.1:1", "interval": "soon"}, "--interval 'soon' is not a duration"),
        ({"host": "http://127.0.0.1:1", "run_time": "0s"}, "--run-time must be from 1s to 8760h"),
        ({"host": "http://127.0.0.1:1", "run_time": "99999999999999h"}, "--run-time must be from 1s to 8760h"),
        ({"host": "http://127.0.0.1:1", "version_label": "v" * 300}, "--version-label"),
        ({"host": "http://127.0.0.1:1", "max_tokens": "9" * 20}, "must be at most 2147483647"),
        ({"host": "http://127.0.0.1:1", "phase": "nonsense"}, "--phase 'nonsense' is not one of"),
    ],
)
def test_bad_input_in_the_form_is_refused_in_the_page(page, tmp_path, form, message):
    told = page.start(**form)
    assert not told["success"]
    assert message in told["message"]
    assert runs_in(tmp_path) == []
    assert "Traceback" not in page.process.err


@pytest.mark.slow
def test_a_rate_and_then_a_closed_loop_are_started_in_the_page(page, tmp_path):
    with start_target(ttft=0.02, chunk_interval=0.01, chunks=5) as target:
        for form in ({"rate": "20", "arrivals": "poisson"}, {"rate": "", "arrivals": "", "concurrency": "5"}):
            told = page.start(host=target.url, failure_threshold="0", **form)
            assert told["success"], told
            time.sleep(2.5)  # the page's figures may still be those of the run before
            page.stop()
        assert not page.start(host=target.url, concurrency="7")["success"], "--users 5 says something else"
    rate, loop = runs_in(tmp_path / "reports")
    assert (rate.manifest["schedule"], rate.manifest["rate_per_s"], rate.manifest["arrivals"]) == (
        "rate",
        20.0,
        "poisson",
    )
    assert (loop.manifest["schedule"], loop.manifest["users"]) == ("closed", 5)
    assert loop.samples["late_ms"].isna().all()
