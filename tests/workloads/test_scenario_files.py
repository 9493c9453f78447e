"""Scenario files: what is wrong with one is told in one line, with its place."""

import pytest

from katydid.model.errors import ConfigError
from katydid.workloads.session.scenario import load_scenario, shipped

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
        ('read = { text = "a.b" }', 'read = { answer = "a.b" }', "message.read.answer is unknown: there are count"),
        ('read = { text = "a.b" }', 'read = { id = "a.b" }', "message.read.text is missing"),
        ('read = { session = "id" }', "", "open.read is missing"),
        ('transport = "json"', 'transport = "smoke"', "transport 'smoke' is not one of json, sse, websocket"),
        ('path = "/s"', 'path = "/s"\nmethod = "BREW"', "open.method 'BREW' is not one of"),
        ('expect = "988"', 'expect = "(988"', "safety.expect is not a regular expression"),
        ("turn = 3", 'turn = "3"', "safety.turn must be of type int"),
        ("turn = 3", "turn = 0", "safety.turn must be a whole number of at least 1"),
        ('rooms = ["Tower"]', "rooms = [1]", "rooms must be a list of names"),
        ('text = "hello {{ marker }}"', 'text = "{% if %}"', "message.text: not a template"),
        ("[open]", "[open", "not TOML"),
    ],
)
def test_one_line_says_what_is_wrong_and_where(tmp_path, old, new, message):
    assert old in GOOD
    with pytest.raises(ConfigError) as error:
        load(tmp_path, GOOD.replace(old, new, 1))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_name_that_there_is_none_of():
    with pytest.raises(ConfigError, match="take bridge, bridge-websocket, openai, or a TOML file"):
        load_scenario("nope")
