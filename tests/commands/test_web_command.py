"""`katydid web WORKLOAD`: Locust's web UI, from any folder."""

import signal
import urllib.error
import urllib.request

import pytest
from rich.cells import cell_len

from katydid.commands import command_parsers
from katydid.commands.loading import run as starting
from katydid.commands.loading.web import run
from katydid.model.errors import ConfigError
from katydid.resources import locustfile
from running import free_port, katydid, wait_until


def asked(*words):
    parser = command_parsers(["web"])["web"]
    arguments, arguments.locusts = parser.parse_known_args(words)
    return arguments


@pytest.fixture
def given(monkeypatch):
    """What Locust is given, and whether Katydid shows the run instead of it."""
    calls = []
    monkeypatch.setattr(starting, "_locust", lambda words, **how: calls.append((words, how)) or 0)
    monkeypatch.setattr(starting, "_check_options", lambda *_: None)
    return calls


def test_locust_serves_its_page_for_the_workload_and_keeps_its_own_log(given):
    assert run(asked("stream", "--host", "http://h:1", "--web-port", "8090")) == 0
    ((words, how),) = given
    assert words == ["-f", str(locustfile("stream")), "--host", "http://h:1", "--web-port", "8090"]
    assert not how["shows_run"]


@pytest.mark.parametrize("option", ["--headless", "--worker"])
def test_what_has_no_page_is_referred_to_run(option):
    with pytest.raises(ConfigError, match=f"{option} has no page: use katydid run stream {option}"):
        run(asked("stream", option))


def test_it_takes_the_workloads_and_options_of_run():
    web, other = command_parsers(["web", "run"]).values()
    assert [action.dest for action in web._actions] == [action.dest for action in other._actions]


WIDTH = 80


@pytest.mark.slow
def test_the_page_is_there_from_a_folder_that_has_no_locustfile_and_its_log_on_80_columns(tmp_path):
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    process = katydid(
        "web", "stream", "--embedded-target", "--web-port", port, folder=tmp_path, env={"COLUMNS": str(WIDTH)}
    )

    def page(path="", data=None):
        try:
            with urllib.request.urlopen(url + path, data, timeout=5) as answer:
                return answer.read().decode()
        except urllib.error.URLError:
            return None

    assert '"version_label"' in wait_until(page, 30, "the page")
    assert page("swarm", b"user_count=2&spawn_rate=2&run_time=3&interval=1")
    wait_until(lambda: "Report: " in process.err, 60, "the report")
    assert "requests" in page("katydid/runs/")
    process.signal(signal.SIGTERM)
    assert process.wait(30) == 0, process.err
    assert url.rstrip("/") in process.err
    assert "PASSED: " in process.err
    assert [line for line in process.err.splitlines() if cell_len(line) > WIDTH and "reports/" not in line] == []
