"""What is shown at the start of a run and while it goes on: one user is one user."""

import logging
import time
from types import SimpleNamespace

import pytest

from batches import monitor_rows, rows
from katydid.engine.live.figures import LiveFigures
from katydid.engine.live.progress import Progress
from katydid.engine.options import RunOptions


def run_of(users, *, run_time=60, figures=None, headless=True, **options):
    """The progress of a run that is two seconds old, and has one request behind it."""
    total = SimpleNamespace(num_requests=1, num_failures=0)
    environment = SimpleNamespace(host="http://h", stats=SimpleNamespace(total=total), shape_class=None)
    runtime = SimpleNamespace(
        options=RunOptions(**options),
        info=SimpleNamespace(
            users=users, run_time=run_time, failure_limit=5, ramp=options.get("ramp"), origin=time.monotonic() - 2.0
        ),
        environment=environment,
        runner=SimpleNamespace(user_count=users),
        housekeeping=SimpleNamespace(spawn=lambda name, body: None),
        expected_end=None,
        stopper=SimpleNamespace(failures=0),
        paced_users=lambda: ["Stream"],
    )
    return Progress(runtime, figures=lambda: figures, headless=headless)


def shown(capsys, monkeypatch, users, **run):
    monkeypatch.setattr(Progress, "enabled", True)
    progress = run_of(users, **run)
    progress.start()
    return capsys.readouterr().out, str(progress._line())


@pytest.fixture
def figures():
    """Of a minute with two answers, and three more on their way in two workers."""
    found = LiveFigures(late_limit_ms=50.0)
    found.add_samples(rows({"ttft_ms": 200.0, "duration_ms": 980.0}, {"ttft_ms": 210.0, "duration_ms": 1200.0}))
    found.add_monitor(monitor_rows({"process": "worker-0", "in_flight": 1}, {"process": "worker-1", "in_flight": 2}))
    return found


def test_a_line_tells_what_is_in_flight_and_the_percentiles_of_the_report(capsys, monkeypatch, figures):
    _, line = shown(capsys, monkeypatch, 5, figures=figures)
    assert " ".join(line.split()) == (
        "2 s of 60 5 users 3 in flight 1 request 0 failed of 5 p50/p95: TTFT 200 ms/210 ms, service time 980 ms/1.20 s"
    )
    assert "\n" not in line


def test_on_a_narrow_terminal_no_line_is_wider_than_it_is(monkeypatch, figures):
    monkeypatch.setattr(Progress, "enabled", True)
    progress = run_of(5, figures=figures)
    progress._console.width = 80
    lines = str(progress._line()).splitlines()
    assert len(lines) == 2
    assert max(map(len, lines)) <= 80


def test_answers_that_are_not_streamed_have_no_time_to_a_first_token(capsys, monkeypatch):
    found = LiveFigures(late_limit_ms=50.0)
    found.add_samples(rows({"ttft_ms": None, "duration_ms": 500.0}))
    line = shown(capsys, monkeypatch, 1, figures=found)[1]
    assert "p50/p95: service time 500\u00a0ms/500\u00a0ms" in line
    assert "TTFT" not in line


@pytest.mark.parametrize(("headless", "bodies"), [(True, 1), (False, 0)])
def test_where_locust_shows_the_run_its_log_tells_the_same_and_goes_on_only_without_a_page(
    caplog, figures, headless, bodies
):
    caplog.set_level(logging.INFO, "katydid")
    progress, spawned = run_of(5, figures=figures, headless=headless), []
    progress._runtime.housekeeping.spawn = lambda name, body: spawned.append(body)
    progress.start()
    progress._show(progress._line())
    progress.stopping("run-time", 0.0)
    progress.warn("the users were changed")
    start, line, end, warning = caplog.records
    assert start.getMessage().startswith("5 users, one request per user every 20 s")
    assert "3 in flight" in line.getMessage()
    assert "\n" not in line.getMessage()
    assert end.getMessage() == "The run time is over."
    assert (warning.levelname, warning.getMessage()) == ("WARNING", "the users were changed")
    assert len(spawned) == bodies


@pytest.mark.parametrize(("users", "words"), [(1, "1 user"), (2, "2 users")])
def test_users_are_counted_as_people_count(capsys, monkeypatch, users, words):
    start, line = shown(capsys, monkeypatch, users)
    assert start.startswith(f"{words}, one request per user every 20 s")
    assert f"  {words}  1 request  " in line


@pytest.mark.parametrize(
    ("users", "interval", "words"),
    [
        (1, 20.0, "every 20 s (3 requests/min)"),
        (1, 60.0, "every 60 s (1 request/min)"),
        (20, 20.0, "every 20 s (1 request/s)"),
        (20, 5.0, "every 5 s (4 requests/s)"),
        (30_000, 20.0, "every 20 s (1,500 requests/s)"),
        (0, 20.0, "every 20 s, spread"),
    ],
)
def test_the_start_says_the_rate(capsys, monkeypatch, users, interval, words):
    assert words in " ".join(shown(capsys, monkeypatch, users, interval=interval)[0].split())


def test_a_run_without_an_end_says_what_ends_it(capsys, monkeypatch):
    endless = " ".join(shown(capsys, monkeypatch, 1, run_time=None)[0].split())
    assert "until Ctrl-C (no --run-time); aborts" in endless


@pytest.mark.parametrize(("ramp", "words"), [(1.0, "a ramp: 1 user per second"), (0.5, "a ramp: 0.5 users per second")])
def test_so_are_those_of_a_ramp(capsys, monkeypatch, ramp, words):
    assert words in " ".join(shown(capsys, monkeypatch, 20, ramp=ramp)[0].split())


def test_a_run_that_ends_itself_says_what_its_users_do(capsys, monkeypatch):
    monkeypatch.setattr(RunOptions, "course", "1 burst: one request each")
    start = " ".join(shown(capsys, monkeypatch, 10, run_time=None)[0].split())
    assert start == "10 users, 1 burst: one request each, against http://h; aborts after 5 failed requests."
