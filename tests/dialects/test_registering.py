"""An API of somebody else's becomes one that `--api` takes."""

import argparse
from dataclasses import dataclass

import pytest

from katydid import dialects
from katydid.dialects import dialect, register
from katydid.dialects.openai import OpenAi
from katydid.engine.options import RunOptions, parsing
from katydid.engine.options.parsing import add_arguments, run_options
from katydid.model.errors import ConfigError
from katydid.model.options import option


class Mine(OpenAi):
    name = "mine"


@pytest.fixture(autouse=True)
def forgotten_afterwards(monkeypatch):
    monkeypatch.setattr(parsing, "_tables", [RunOptions])  # other tests import workloads with an --api of their own
    before = dict(dialects.DIALECTS)
    yield
    dialects.DIALECTS.clear()
    dialects.DIALECTS.update(before)


class Parser(argparse.ArgumentParser):
    """Takes what Locust's parser takes."""

    def add_argument(self, *words, env_var=None, include_in_web_ui=True, **more):
        return super().add_argument(*words, **more)


def filled() -> Parser:
    parser = Parser()
    add_arguments(parser)
    return parser


def test_what_is_registered_is_found_by_its_name():
    register(mine := Mine())
    assert dialect("mine") is mine


def test_the_option_takes_it_on_the_command_line_and_from_the_form():
    register(Mine())
    parsed = filled().parse_args(["--api", "mine"])
    assert run_options(parsed, RunOptions).api == "mine"
    parsed.api = "yours"  # the form checks nothing
    with pytest.raises(ConfigError, match=r"'yours' is not one of openai, .*, mine"):
        run_options(parsed, RunOptions)


def test_the_form_offers_it():
    register(Mine())
    (api,) = (action for action in filled()._actions if action.dest == "api")
    assert api.choices[0] == "openai"
    assert api.choices[-1] == "mine"


def test_one_that_is_registered_again_takes_its_own_place():
    register(Mine())
    register(later := Mine())
    assert dialect("mine") is later


@pytest.mark.parametrize("name", ["embeddings", "rerank"])
def test_an_api_that_had_a_name_before_us_keeps_it(name):
    register(mine := type("Own", (Mine,), {"name": name})())
    assert dialect(name) is mine


@pytest.mark.parametrize(
    ("new", "message"),
    [
        (Mine, r"register\(Mine\): give an instance, such as register\(Mine\(\)\)"),
        (OpenAi(), "'openai' is the name of a built-in API"),
        (object(), r"register\(object\(\)\): a dialect also has name, endpoint, models_endpoint, headers"),
    ],
    ids=["a class", "a name of ours", "no dialect"],
)
def test_what_is_no_dialect_is_refused(new, message):
    before = dict(dialects.DIALECTS)
    with pytest.raises(ConfigError, match=message):
        register(new)
    assert before == dialects.DIALECTS


def test_a_percent_sign_in_the_words_of_an_option_is_only_that(monkeypatch):
    @dataclass(frozen=True, kw_only=True)
    class Percent(RunOptions):
        share: float = option(0.5, "95 % of what is given", kind=float)

    monkeypatch.setattr(parsing, "_tables", [RunOptions, Percent])
    assert "95 % of what is given (default: 0.5; LOAD_TEST_SHARE)" in " ".join(filled().format_help().split())


@dataclass(frozen=True, kw_only=True)
class EffortOptions:
    effort: str = option("low", "how hard it thinks", choices=("low", "high"))


class WithOptions(Mine):
    options = EffortOptions

    def __init__(self, effort="low"):
        self.effort = effort

    def configured(self, options):
        return WithOptions(options.effort)


def given(*words):
    return run_options(filled().parse_args(list(words)), RunOptions)


def test_options_of_a_dialect_reach_it_and_the_manifest():
    register(WithOptions())
    options = given("--api", "mine", "--effort", "high")
    assert dialect("mine", options.dialect_options).effort == "high"
    assert options.shown()["effort"] == "high"
    assert dialect("mine", given("--api", "mine").dialect_options).effort == "low"


def test_options_of_an_api_that_is_not_asked_for_are_in_no_manifest():
    register(WithOptions())
    assert "effort" not in given("--effort", "high").shown()
    assert not any(name.startswith("sse_") for name in given("--api", "mine").shown())


def test_an_option_of_a_dialect_that_every_run_has_is_refused():
    @dataclass(frozen=True, kw_only=True)
    class Taken:
        model: str = option("x", "another model")

    class Clash(WithOptions):
        options = Taken

    register(Clash())
    assert given().model is None, "other APIs go on"
    with pytest.raises(ConfigError, match="--api mine: its option --model clashes with one of the run"):
        given("--api", "mine")


class NoTaker(Mine):
    options = EffortOptions
    configured = property()


class NoTable(WithOptions):
    options = ("effort",)


@pytest.mark.parametrize(
    ("new", "complaint"),
    [(NoTaker, r"so it also needs a configured\(options\) method"), (NoTable, r"whose fields are option\(…\)")],
)
def test_a_dialect_whose_options_cannot_be_is_refused(new, complaint):
    with pytest.raises(ConfigError, match=complaint):
        register(new())


@pytest.mark.parametrize(
    ("made", "complaint"),
    [(lambda _: 1 / 0, r"its configured\(\) failed \(ZeroDivisionError"), (lambda _: None, "return a dialect")],
)
def test_a_dialect_that_takes_its_options_badly_is_told(made, complaint):
    bad = WithOptions()
    bad.configured = made
    register(bad)
    with pytest.raises(ConfigError, match=complaint):
        dialect("mine", EffortOptions())
