"""The options of a run, as the command line and Locust's web form give them."""

from dataclasses import fields
from types import SimpleNamespace

import pytest
from locust.argument_parser import get_empty_argument_parser

from katydid.engine.options import RunOptions, parsing, version_label
from katydid.engine.options.parsing import add_arguments, plain_fields, run_options
from katydid.engine.stages.capacity_shape import CapacityOptions
from katydid.model.errors import ConfigError
from katydid.model.options import default_text
from katydid.model.options.quantities import duration, format_duration, milliseconds
from katydid.resources import shipped_workloads
from katydid.workloads import user_class
from katydid.workloads.speech.user import SpeechOptions


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
        ({"interval": -1}, "--interval -1 must not be negative"),
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
        ({"failure_threshold": "five"}, "--failure-threshold 'five' is not a whole number"),
        ({"interval": "20 parsecs"}, "--interval '20 parsecs' is not a duration such as 250ms, 20s or 1m30s"),
        ({"rate": "0"}, "--rate 0 must be more than 0, and at most 100000"),
        ({"requests": 0}, "--requests 0 must be more than 0"),
        ({"concurrency": 1_000_001}, "--concurrency 1000001 must be at most 1000000"),
        ({"drain": "9000h"}, "--drain 3.24e+07 must be at most 31536000, a year"),
        ({"check": "deep"}, "--check 'deep' is not one of count, full"),
        ({"request_timeout": -1}, "--request-timeout -1 must be more than 0"),
        ({"max_tokens": 0}, "--max-tokens 0 must be more than 0"),
    ],
)
def test_a_bad_value_is_named(values, message):
    with pytest.raises(ConfigError) as error:
        given(**values)
    assert str(error.value) == message


TABLES = [CapacityOptions, *(user_class(name).options_class for name in shipped_workloads())]
TIMES = {
    (table, option.name): option
    for table in TABLES
    for option in fields(table)
    if option.metadata.get("kind") in (duration, milliseconds)
}


def test_every_option_that_is_a_time_is_written_as_a_duration():
    named = {
        (table, option.name)
        for table in TABLES
        for option in fields(table)
        if "seconds" in option.metadata.get("help", "") and option.metadata["kind"] is not str
    }
    assert named == TIMES.keys()


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.__name__)
@pytest.mark.parametrize(("text", "seconds"), [("1500ms", 1.5), ("20s", 20.0), ("8m", 480.0), ("1m30s", 90.0)])
def test_a_duration_has_units_in_an_option_a_variable_and_the_form(monkeypatch, table, text, seconds):
    monkeypatch.setattr(parsing, "_tables", [RunOptions, table])
    parser = get_empty_argument_parser()
    add_arguments(parser)
    for name in (name for where, name in TIMES if where is table):
        option = TIMES[table, name]
        expected = seconds * 1000 if option.metadata["kind"] is milliseconds else seconds
        flag, variable = "--" + name.replace("_", "-"), "LOAD_TEST_" + name.upper()
        form = plain_fields({name: text})
        for parsed in (
            parser.parse_args([flag, text]),
            parser.parse_args([], env_vars={variable: text}),
            SimpleNamespace(**vars(parser.parse_args([])) | {name: float(form[name])}),  # as Locust takes the form
        ):
            assert getattr(run_options(parsed, table), name) == expected, name


def test_help_names_defaults_with_their_units(monkeypatch):
    monkeypatch.setattr(parsing, "_tables", [RunOptions, SpeechOptions])
    parser = get_empty_argument_parser()
    add_arguments(parser)
    told = {action.dest: action for action in parser._actions}
    assert "(default: 30s; LOAD_TEST_IDLE_TIMEOUT)" in told["idle_timeout"].help
    assert "(default: 100ms; LOAD_TEST_AUDIO_CHUNK)" in told["audio_chunk"].help
    assert told["interval"].metavar == told["audio_chunk"].metavar == "<time>"
    for option in TIMES.values():
        if option.default is not None and option.metadata["kind"] is duration:
            assert default_text(option) == format_duration(option.default)


def test_empty_fields_of_the_form_are_what_locust_can_read():
    form = {"interval": " ", "max_tokens": "", "drain": "", "model": "", "record_events": "true", "host": "http://x"}
    assert plain_fields(form) == form | {"interval": "20.0", "max_tokens": "128"}


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


@pytest.mark.parametrize("workload", shipped_workloads())
def test_a_locustfiles_own_workload_decides_the_defaults_whatever_else_is_imported(monkeypatch, workload):
    every = (user_class(name).options_class for name in shipped_workloads())
    monkeypatch.setattr(parsing, "_tables", [RunOptions, *every])
    base = user_class(workload)
    type("Mine", (base,), {"abstract": True, "__module__": __name__})
    told = parsing.known_options()
    own = {each.name: each.default for each in fields(base.options_class) if each.name in told}
    assert {name: told[name].default for name in own} == own
