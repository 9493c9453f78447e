"""The options of a run, as the command line and Locust's web form give them."""

from types import SimpleNamespace

import pytest

from katydid.engine.options import RunOptions, run_options, version_label
from katydid.model.errors import ConfigError


def given(**values):
    defaults = dict.fromkeys(RunOptions.__dataclass_fields__)
    return run_options(SimpleNamespace(**defaults | values), RunOptions)


def test_defaults_are_the_contracts():
    options = given()
    assert (options.interval, options.phase, options.failure_threshold) == (20.0, "auto", 5)
    assert (options.check, options.client, options.api) == ("count", "fast", "openai")
    assert (options.max_tokens, options.temperature, options.seed) == (128, 0.0, 0)
    assert (options.request_timeout, options.idle_timeout, options.results) == (60.0, 30.0, "reports")


def test_texts_of_the_web_form_become_numbers():
    options = given(interval="2.5", failure_threshold="0", model="", drain=" ")
    assert (options.interval, options.failure_threshold, options.model, options.drain) == (2.5, 0, None, None)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"interval": 0}, "--interval 0 must be more than 0"),
        ({"interval": "nan"}, "--interval nan is not a number"),
        ({"interval": "inf"}, "--interval inf must be finite"),
        ({"drain": "-inf"}, "--drain -inf must be finite"),
        ({"interval": "1e300"}, "--interval 1e+300 must be at most 31536000, a year"),
        ({"drain": 1e9}, "--drain 1e+09 must be at most 31536000, a year"),
        ({"max_tokens": 10**20 - 1}, "--max-tokens 99999999999999999999 must be at most 2147483647"),
        ({"seed": 10**400}, f"--seed 1{'0' * 39}… must be from -2^63 to 2^63-1"),
        ({"failure_threshold": 10**20}, f"--failure-threshold {10**20} must be from -2^63 to 2^63-1"),
        ({"target_pid": 2**31}, "--target-pid 2147483648 must be at most 2147483647"),
        ({"version_label": "v" * 256}, f"--version-label '{'v' * 40}…' must have at most 255 characters"),
        ({"failure_threshold": -1}, "--failure-threshold -1 must not be negative"),
        ({"failure_threshold": "five"}, "--failure-threshold 'five' is not a number"),
        ({"check": "deep"}, "--check 'deep' is not one of count, full"),
        ({"request_timeout": -1}, "--request-timeout -1 must be more than 0"),
        ({"max_tokens": 0}, "--max-tokens 0 must be more than 0"),
    ],
)
def test_a_bad_value_is_named(values, message):
    with pytest.raises(ConfigError) as error:
        given(**values)
    assert str(error.value) == message


def test_what_is_large_but_can_be_is_taken():
    options = given(version_label="v" * 255, max_tokens=2**31 - 1, seed=-(2**63), interval=86400)
    assert (len(options.version_label), options.max_tokens, options.seed) == (255, 2**31 - 1, -(2**63))


def test_the_drain_is_the_request_timeout_unless_it_is_given():
    assert given(request_timeout=9).drain_seconds == 9
    assert given(drain=0).drain_seconds == 0


@pytest.mark.parametrize(
    ("values", "run_time", "seconds"),
    [
        ({"interval": 20}, 480, 20),
        ({"interval": 20}, 60, 12),
        ({"interval": 20}, None, 20),
        ({"warm_up": 3}, 60, 3),
        ({"warm_up": 0}, 60, 0),
    ],
)
def test_the_warm_up_is_an_interval_and_at_most_a_fifth(values, run_time, seconds):
    assert given(**values).warm_up_seconds(run_time) == seconds


def test_a_version_is_as_given_or_what_git_says_or_unversioned(tmp_path):
    assert version_label(given(version_label="v9"), tmp_path) == "v9"
    assert version_label(given(), tmp_path) == "unversioned"
