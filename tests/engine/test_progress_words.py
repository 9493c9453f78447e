"""What is shown at the start of a run and while it goes on: one user is one user."""

from types import SimpleNamespace

import pytest

from katydid.engine.live.progress import Progress
from katydid.engine.options import RunOptions


def shown(capsys, monkeypatch, users, *, run_time=60, **options):
    monkeypatch.setattr(Progress, "enabled", True)
    total = SimpleNamespace(num_requests=1, num_failures=0, get_current_response_time_percentile=lambda _: None)
    environment = SimpleNamespace(host="http://h", stats=SimpleNamespace(total=total), shape_class=None)
    runtime = SimpleNamespace(
        options=RunOptions(**options),
        info=SimpleNamespace(users=users, run_time=run_time, failure_limit=5, ramp=options.get("ramp"), origin=0.0),
        environment=environment,
        runner=SimpleNamespace(user_count=users),
        housekeeping=SimpleNamespace(spawn=lambda *_: None),
        expected_end=None,
    )
    progress = Progress(runtime)
    progress.start()
    return capsys.readouterr().out, str(progress._line())


@pytest.mark.parametrize(("users", "words"), [(1, "1 user"), (2, "2 users")])
def test_users_are_counted_as_people_count(capsys, monkeypatch, users, words):
    start, line = shown(capsys, monkeypatch, users)
    assert start.startswith(f"{words}, one request per user every 20 s")
    assert f"  {words}  1 request  " in line


@pytest.mark.parametrize(
    ("users", "interval", "words"),
    [
        (1, 20.0, "every 20 s (3 requests a minute)"),
        (1, 60.0, "every 60 s (1 request a minute)"),
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


@pytest.mark.parametrize(("ramp", "words"), [(1.0, "a ramp: 1 user a second"), (0.5, "a ramp: 0.5 users a second")])
def test_so_are_those_of_a_ramp(capsys, monkeypatch, ramp, words):
    assert words in " ".join(shown(capsys, monkeypatch, 20, ramp=ramp)[0].split())


def test_a_run_that_ends_itself_says_what_its_users_do(capsys, monkeypatch):
    monkeypatch.setattr(RunOptions, "course", "1 burst: one request each")
    start = " ".join(shown(capsys, monkeypatch, 10, run_time=None)[0].split())
    assert start == "10 users, 1 burst: one request each, against http://h; aborts after 5 failed requests."
