"""Scenario files: what is wrong with one is told in one line, with its place."""

import re
from dataclasses import fields

import pytest

from katydid.model.errors import ConfigError
from katydid.model.options import options_in
from katydid.workloads.session import SessionOptions, shipped
from katydid.workloads.session.scenario import Scenario, load_scenario
from running import ROOT

GOOD = """
transport = "json"
rooms = ["Tower"]
[open]
path = "/s"
body = { user = "{{ user }}" }
read = { session = "id" }
[message]
path = "/m"
body = { text = "{{ text }}" }
text = "hello {{ marker }}"
read = { text = "a.b" }
[safety]
turn = 3
message = "help"
expect = "988"
"""


def load(tmp_path, text):
    (tmp_path / "mine.toml").write_text(text)
    return load_scenario(str(tmp_path / "mine.toml"))


def test_those_that_ship_are_good():
    assert shipped() == ["bridge", "bridge-websocket", "openai"]
    assert load_scenario("bridge").safety.turn == 3
    assert load_scenario("openai").uses_model
    assert not load_scenario("bridge").uses_model


def test_a_file_of_ones_own(tmp_path):
    scenario = load(tmp_path, GOOD)
    assert (scenario.name, scenario.open.method, scenario.rooms) == ("mine", "POST", ("Tower",))
    assert scenario.safety.from_turn == 3
    assert len(scenario.sha256) == 64


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[message]", "[massage]", "massage is unknown"),
        ('text = "hello {{ marker }}"', "", "message.text is missing"),
        ('path = "/m"', "", "message.path is missing"),
        (
            'read = { text = "a.b" }',
            'read = { answer = "a.b" }',
            "message.read.answer is unknown: known keys are count",
        ),
        ('read = { text = "a.b" }', 'read = { id = "a.b" }', "message.read.text is missing"),
        ('read = { session = "id" }', "", "open.read is missing"),
        ('transport = "json"', 'transport = "smoke"', "transport 'smoke' is not one of json, sse, websocket"),
        ('path = "/s"', 'path = "/s"\nmethod = "BREW"', "open.method 'BREW' is not one of"),
        ('expect = "988"', 'expect = "(988"', "safety.expect is not a regular expression"),
        ("turn = 3", 'turn = "3"', "safety.turn must be of type int"),
        ("turn = 3", "turn = 0", "safety.turn must be a whole number of at least 1"),
        ('rooms = ["Tower"]', "rooms = [1]", "rooms must be a list of names"),
        ('text = "hello {{ marker }}"', 'text = "{% if %}"', "message.text: not a template"),
        ('text = "hello {{ marker }}"', 'text = "{{ ? }}"', "message.text: not a template (unexpected char"),
        ("[open]", "[open", "not TOML"),
    ],
)
def test_one_line_says_what_is_wrong_and_where(tmp_path, old, new, message):
    assert old in GOOD
    with pytest.raises(ConfigError) as error:
        load(tmp_path, GOOD.replace(old, new, 1))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["a = " + "[" * 100_000, "a = " + "9" * 5000, "a = \udcff"])
def test_what_the_reader_itself_chokes_on_is_no_toml(tmp_path, text):
    (tmp_path / "own.toml").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ConfigError, match=r"own\.toml: not TOML"):
        load_scenario(str(tmp_path / "own.toml"))


def test_a_scenario_without_an_end_is_refused(tmp_path):
    (tmp_path / "own.toml").symlink_to("/dev/zero")
    with pytest.raises(ConfigError, match=r"own\.toml: is larger than 1 MiB"):
        load_scenario(str(tmp_path / "own.toml"))


def test_a_name_that_there_is_none_of():
    with pytest.raises(ConfigError, match="use bridge, bridge-websocket, openai, or a TOML file"):
        load_scenario("nope")


def test_the_options_help_names_every_scenario():
    (scenario,) = [field for field in options_in(SessionOptions) if field.name == "scenario"]
    assert all(name in scenario.metadata["help"] for name in shipped())


PAGE = (ROOT / "docs" / "reference" / "scenarios.md").read_text(encoding="utf-8")


def test_the_page_of_the_format_names_every_key():
    tables = {f.name for f in fields(Scenario)} - {"name", "text", "echoes", "count", "uses_model", "sha256"}
    of_steps = {"method", "path", "body", "read", "text", "echoes", "count", "from_turn", "turn", "message", "expect"}
    read = {"session", "text", "id", "count", "members", "messages", "content"}
    assert {key for key in tables | of_steps | read if f"`{key}`" not in PAGE and f"`[{key}]`" not in PAGE} == set()


def test_the_example_on_the_page_is_a_scenario(tmp_path):
    example = re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)[1]
    assert load(tmp_path, example).safety.turn == 3
