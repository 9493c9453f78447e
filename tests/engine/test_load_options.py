"""Users, spawn rate and run time: which a run can have, and what is said of those that nobody may have meant."""

import math
from types import SimpleNamespace

import pytest
from hypothesis import given as any_of
from hypothesis import strategies as st
from locust.argument_parser import get_parser
from locust.util.timespan import parse_timespan

from katydid.engine.options.load import check_load, fill_parsers, notices, read_run_time
from katydid.model.errors import ConfigError


def given(**values):
    return SimpleNamespace(**{"num_users": None, "spawn_rate": None, "run_time": None} | values)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"num_users": 0}, "--users 0 must be from 1 to 1000000"),
        ({"num_users": -5}, "--users -5 must be"),
        ({"num_users": 1_000_001}, "--users 1000001 must be"),
        ({"num_users": 10**500}, "--users 1000"),
        ({"num_users": 5, "user_count": "0"}, "--users 0 must be"),
        ({"num_users": 5, "user_count": "many"}, "--users 'many' is not a number"),
        ({"spawn_rate": math.inf}, "--spawn-rate inf must be more than 0, and finite"),
        ({"spawn_rate": "nan"}, "--spawn-rate nan must be"),
        ({"spawn_rate": "-1"}, "--spawn-rate -1 must be"),
        ({"run_time": 0}, "--run-time must be from 1s to 8760h"),
        ({"run_time": "0s"}, "--run-time must be"),
        ({"run_time": "99999999999999h"}, "--run-time must be"),
        ({"run_time": 31_536_001}, "--run-time must be"),
        ({"run_time": "9" * 20}, "--run-time must be"),
        ({"run_time": "soon"}, "--run-time 'soon' is not a duration such as"),
    ],
)
def test_a_load_that_cannot_be_is_refused_in_one_line_that_names_the_option(values, message):
    with pytest.raises(ConfigError) as refused:
        check_load(given(**values))
    assert str(refused.value).startswith(message)
    assert len(str(refused.value)) < 150


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"num_users": 1_000_000, "spawn_rate": 0.1, "run_time": 31_536_000},
        {"num_users": 0, "user_count": "1", "spawn_rate": "5", "run_time": "1h20m"},
        {"user_count": "", "spawn_rate": "", "run_time": " "},
    ],
)
def test_any_other_load_is_taken_and_empty_fields_are_none(values):
    check_load(given(**values))


def test_a_run_time_is_any_duration():
    assert (read_run_time("1h20m"), read_run_time("20"), read_run_time("1.5m")) == (4800, 20, 90)
    assert read_run_time("2500ms") == 2.5
    assert read_run_time(f"{'9' * 400}h") == math.inf


@any_of(h=st.integers(0, 99), m=st.integers(0, 99), s=st.integers(0, 99))
def test_what_locust_reads_as_a_run_time_is_the_same_to_us(h, m, s):
    for text in (f"{h}h{m}m{s}s", f"{m}m{s}s", f"{h}h{s}s", f"{h}h", f"{m}m", f"{s}s", str(s)):
        assert read_run_time(text) == parse_timespan(text)


def test_locusts_parser_takes_a_run_time_that_is_too_long_and_refuses_what_is_none(capsys):
    fill_parsers()
    parser = get_parser(default_config_files=[])
    assert parser.parse_args(["--run-time", "99999999999999h"]).run_time == pytest.approx(99999999999999 * 3600)
    with pytest.raises(SystemExit):
        parser.parse_args(["--run-time", "soon"])
    assert "is not a duration" in capsys.readouterr().err


def told(**load):
    return " ".join(notices(**{"users": 50, "interval": 20.0, "run_time": 120.0, "ends_itself": False} | load))


def test_of_a_run_with_an_end_and_enough_requests_nothing_is_said():
    assert told() == told(ends_itself=True) == told(ends_itself=True, run_time=None) == told(interval=0.0) == ""


def test_a_run_without_an_end_says_how_to_end_it():
    assert "Ctrl-C" in told(run_time=None)
    assert "--run-time" in told(run_time=None)


@pytest.mark.parametrize(
    ("load", "words"),
    [
        ({"users": 1}, "3 per minute from 1 user every 20 s"),
        ({"users": 2, "interval": 3600.0}, "0.033 per minute from 2 users every 3600 s"),
    ],
)
def test_few_requests_are_told_with_how_to_have_more(load, words):
    assert words in told(**load)
    assert "--users" in told(**load)
    assert "--interval" in told(**load)


ENVIRONMENT = {
    "LOAD_TEST_INTERVAL": "5s", "LOAD_TEST_CONCURRENCY": "8", "LOAD_TEST_RAMP": "3", "LOCUST_USERS": "70",
    "LOCUST_SPAWN_RATE": "9",
}  # fmt: skip


@pytest.mark.parametrize(
    ("words", "read"),
    [
        ([], (5.0, 8, 70, 3.0, 9.0)),
        (["--rate", "10"], (20.0, None, 70, 3.0, 9.0)),
        (["--rate=10"], (20.0, None, 70, 3.0, 9.0)),
        (["--concurrency", "4"], (20.0, 4, None, 3.0, 9.0)),
        (["-u4"], (5.0, None, 4, 3.0, 9.0)),
        (["-r", "2"], (5.0, 8, 70, 0.0, 2.0)),
        (["--ramp", "2", "--interval", "1"], (1.0, None, 70, 2.0, None)),
    ],
)
def test_the_command_line_overrules_what_contradicts_it_in_the_environment(words, read, monkeypatch):
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    fill_parsers()
    given = get_parser(default_config_files=[]).parse_args(words)
    assert (given.interval, given.concurrency, given.num_users, given.ramp, given.spawn_rate) == read
