"""`katydid web WORKLOAD`: Locust's page, from any folder."""

import urllib.error
import urllib.request

import pytest

from katydid.commands import command_parsers
from katydid.commands.loading import start as starting
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


@pytest.mark.slow
def test_the_page_is_there_from_a_folder_that_has_no_locustfile(tmp_path):
    port = free_port()
    process = katydid("web", "stream", "--web-port", port, folder=tmp_path)

    def page():
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
                return answer.read().decode()
        except urllib.error.URLError:
            return None

    assert '"version_label"' in wait_until(page, 30, "the page")
    process.end()
    assert process.process.poll() == 0, process.err
    assert f"http://127.0.0.1:{port}" in process.err
