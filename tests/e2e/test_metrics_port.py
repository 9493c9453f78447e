"""`--metrics-port`: a headless run that Prometheus can watch."""

import re
import socket
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

from running import katydid, the_run, wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

TARGET = "--embedded-target=--ttft 20ms --chunks 5 --chunk-interval 5ms"


def scrape(url):
    with urllib.request.urlopen(url, timeout=5) as answer:
        families = text_string_to_metric_families(answer.read().decode())
    return {s.name: s.value for family in families for s in family.samples}


def test_a_headless_run_is_watched_while_it_goes_on(tmp_path):
    run = katydid(
        "run", "stream", TARGET, "--users", 4, "--interval", 0.5, "--run-time", "4s", "--metrics-port", 0,
        folder=tmp_path,
    )  # fmt: skip
    url = wait_until(lambda: re.search(r"metrics on (\S+)", run.err), 20, "the address")[1]
    found = wait_until(lambda: (s := scrape(url)).get("katydid_requests_total", 0) >= 8 and s, 20, "counted requests")
    assert found["katydid_run_active"] == 1
    assert found["katydid_users"] == 4
    assert found["katydid_ttft_seconds_count"] == found["katydid_requests_total"]
    run.wait()
    assert len(the_run(tmp_path).samples) >= found["katydid_requests_total"]


def test_a_port_that_is_taken_is_one_line_and_no_load(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        run = katydid("run", "stream", TARGET, "--run-time", "2s", "--metrics-port", port, folder=tmp_path)
        assert run.wait() == 2
    assert f"katydid: --metrics-port {port} on 127.0.0.1: " in run.err
    assert len(run.err.strip().splitlines()) == 1
