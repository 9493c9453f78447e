"""Settings: a table that makes the command line, and refuses what makes no sense in one line."""

import argparse
from dataclasses import fields, replace

import pytest

from katydid.model.errors import ConfigError
from katydid.target.settings import (
    TargetSettings,
    add_arguments,
    arguments_from_settings,
    settings_from_arguments,
    settings_of,
)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--ttft", "200"), "200 has no unit: write 200ms or 200s"),
        (("--ttft=50",), "50 has no unit: write 50ms or 50s"),
        (("--chunk-interval", "20"), "20 has no unit: write 20ms or 20s"),
        (("--speech-restart", "1000"), "1000 has no unit: write 1000ms or 1000s"),
        (("--ttft", "1e3"), "1e3 has no unit"),
        (("--ttft", "soon"), "'soon' is not a duration such as 250ms, 20s or 1m30s"),
    ],
)
def test_a_delay_that_may_be_meant_in_milliseconds_needs_a_unit(words, message):
    with pytest.raises(ConfigError) as refused:
        settings_from_arguments(words)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("text", "seconds"), [("0.2", 0.2), ("2", 2.0), ("0", 0.0), ("200ms", 0.2), ("200s", 200.0), ("1m30s", 90.0)]
)
def test_a_delay_of_a_few_seconds_needs_none(text, seconds):
    assert settings_from_arguments(["--ttft", text]).ttft == pytest.approx(seconds)


def test_long_delays_survive_the_way_through_a_command_line():
    settings = TargetSettings(ttft=30.0, duration=60.0)
    assert settings_from_arguments(arguments_from_settings(settings)) == settings


def test_every_field_is_an_option_with_help():
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    helped = {action.option_strings[0]: action.help for action in parser._actions}
    for each in fields(TargetSettings):
        assert helped["--" + each.name.replace("_", "-")]


def test_without_options_there_are_the_defaults():
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    assert settings_of(parser.parse_args([])) == TargetSettings()


def test_settings_survive_the_way_through_a_command_line():
    settings = TargetSettings(
        port=1234, models="a,b", version="v 2", ttft=0.0015, chunk_interval=1e-3, duration=2.5, jitter=0.25, seed=7,
        text=" -- x", chunk_size=9, tokens_per_chunk=2, fail=("http_500=0.1", "reset=0.2"), slots=3, queue_limit=4,
        single_threaded=True, api_key="-k", tls_cert="c.pem", tls_key="k.pem", log="l.jsonl",
    )  # fmt: skip
    assert settings_from_arguments(arguments_from_settings(settings)) == settings


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ttft": -1.0}, "--ttft"), ({"jitter": 1.5}, "--jitter"), ({"jitter": float("nan")}, "--jitter"),
        ({"chunks": 0}, "--chunks"), ({"tokens_per_chunk": 0}, "--tokens-per-chunk"), ({"port": 70000}, "--port"),
        ({"duration": float("inf")}, "--duration"), ({"slots": -1}, "--slots"), ({"models": " , "}, "--models"),
        ({"text": ""}, "--text"), ({"version": "a\r\nX: b"}, "--version"), ({"tls_cert": "c"}, "--tls-key"),
        ({"tls_key": "k"}, "--tls-cert"), ({"fail": ("explode",)}, "explode"), ({"fail": ("reset=2",)}, "rate"),
        ({"fail": ("reset=x",)}, "rate"), ({"fail": ("reset=nan",)}, "rate"),
        ({"fail": ("reset=0.6", "cut=0.6")}, "more than 1"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_in_one_line_that_names_it(change, message):
    with pytest.raises(ConfigError, match=message) as refused:
        replace(TargetSettings(), **change)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("words", [["--tftt", "1s"], ["--ttft", "soon"], ["--chunks", "many"], ["--port"], ["extra"]])
def test_bad_words_of_a_command_line_are_refused_in_one_line(words):
    with pytest.raises(ConfigError) as refused:
        settings_from_arguments(words)
    assert "\n" not in str(refused.value)


def test_rates_that_add_up_to_one_are_fine_however_they_are_rounded():
    assert sum(TargetSettings(fail=tuple(f"{c}=0.1" for c in (
        "http_400", "http_429", "http_500", "http_503", "reset", "truncated", "cut", "empty", "hang", "stall",
    ))).failure_rates.values()) == pytest.approx(1)  # fmt: skip


def test_shares_may_be_percentages():
    settings = settings_from_arguments(["--jitter", "10%", "--fail", "reset=5%"])
    assert (settings.jitter, settings.failure_rates) == (0.1, {"reset": 0.05})


def test_help_names_delays_with_their_units():
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    told = {action.dest: action.help for action in parser._actions}
    assert told["ttft"].endswith("(default: 200ms)")
    assert told["bridge_delay"].endswith("(default: 0s)")


def test_a_rate_may_be_left_out_and_is_then_one():
    assert TargetSettings(fail=("hang",)).failure_rates == {"hang": 1.0}


@pytest.mark.parametrize(("size", "text"), [(0, "ab"), (1, "a"), (2, "ab"), (5, "ababa")])
def test_the_text_of_a_chunk_can_be_given_a_size(size, text):
    assert TargetSettings(text="ab", chunk_size=size).chunk_text == text
