"""The embedded chat bridge: what it keeps, and the defects that it can be told to have."""

import orjson
import pytest

from katydid.model.errors import ConfigError
from katydid.target.bridge import Bridge
from katydid.target.settings import TargetSettings, arguments_from_settings, settings_from_arguments
from katydid.target.wire.http import HttpRequest, RequestError

ROOMS = ["Tower", "Chapel"]


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


class World:
    """A bridge and its users."""

    def __init__(self, **rates):
        self.clock = Clock()
        self.bridge = Bridge(ROOMS, rates, 0, self.clock)

    def ask(self, method, path, **body):
        return self.bridge.serve(HttpRequest(method, path, {}, True, True, orjson.dumps(body)))

    def open(self, user, room="Tower"):
        return self.ask("POST", "/bridge/sessions", user=user, room=room).body["session_id"]

    def say(self, session, text):
        return self.ask("POST", f"/bridge/sessions/{session}/messages", message=text)

    def history(self, session):
        messages = self.ask("GET", f"/bridge/sessions/{session}/history").body["messages"]
        return [message["content"] for message in messages if message["role"] == "user"]

    def members(self, room):
        return self.ask("GET", f"/bridge/rooms/{room}/members").body["members"]


def test_sessions_are_kept_apart_and_counted():
    world = World()
    eve, bob = world.open("eve"), world.open("bob", "Chapel")
    for number in range(3):
        assert world.say(eve, f"e{number}").body["message_count"] == number + 1
        reply = world.say(bob, f"b{number}").body
        assert f"b{number}" in reply["response"]
        assert "e" + str(number) not in reply["response"]
    assert world.history(eve) == ["e0", "e1", "e2"]
    assert world.history(bob) == ["b0", "b1", "b2"]
    assert (world.members("Tower"), world.members("Chapel")) == (["eve"], ["bob"])


def test_the_third_message_in_a_row_of_distress_gets_the_crisis_line():
    world = World()
    eve = world.open("eve")
    texts = ["it is hopeless", "no way out", "fine again", "hopeless", "hopeless", "hopeless"]
    assert ["988" in world.say(eve, text).body["response"] for text in texts] == [False] * 5 + [True]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/bridge/sessions", {"user": "eve", "room": "Attic"}, 404),
        ("POST", "/bridge/sessions", {"user": "eve"}, 400),
        ("POST", "/bridge/sessions", {"user": 3, "room": "Tower"}, 400),
        ("POST", "/bridge/sessions/none/messages", {"message": "x"}, 404),
        ("GET", "/bridge/rooms/Attic/members", {}, 404),
        ("GET", "/bridge/nothing", {}, 404),
    ],
)
def test_what_there_is_not_is_refused(method, path, body, status):
    with pytest.raises(RequestError) as refused:
        World().ask(method, path, **body)
    assert refused.value.status == status


def two_who_talk(**rates):
    world = World(**rates)
    eve, bob = world.open("eve"), world.open("bob")
    world.say(eve, "eve's secret")
    return world, eve, bob, world.say(bob, "bob's word")


def test_a_leak_quotes_another_and_the_log_names_whom():
    _, _, _, reply = two_who_talk(leak=1)
    assert "eve's secret" in reply.body["response"]
    assert (reply.fault, reply.party) == ("leak", "eve")


def test_the_first_to_speak_cannot_be_leaked_to():
    world = World(leak=1)
    assert world.say(world.open("eve"), "hello").fault is None


def test_a_crossed_stream_brings_anothers_answer_with_its_id():
    world, eve, _, reply = two_who_talk(cross_stream=1)
    assert "eve's secret" in reply.body["response"]
    assert "bob's word" not in reply.body["response"]
    assert reply.party == "eve"
    assert world.history(eve) == ["eve's secret"]


def test_a_lost_message_is_answered_and_neither_kept_nor_counted():
    world, eve, _, reply = two_who_talk(lose_message=1)
    assert "bob's word" in reply.body["response"]
    assert (reply.body["message_count"], world.history(eve)) == (0, [])


def test_the_safety_answer_is_lost_under_load_alone():
    world = World(lose_safety_under_load=1)
    eve, bob = world.open("eve"), world.open("bob")

    def crisis():
        return [world.say(eve, "hopeless").body["crisis"] for _ in range(3)][-1]

    assert crisis(), "nobody else is there"
    world.say(bob, "hello")
    assert not crisis()
    world.clock.now = 10.0
    assert crisis(), "the others have gone quiet"


def test_wrong_members_and_a_reordered_history():
    world = World(wrong_members=1, reorder_history=1)
    eve = world.open("eve")
    world.open("bob")
    world.say(eve, "one")
    world.say(eve, "two")
    assert world.members("Tower") == ["bob"]
    assert world.history(eve) == ["two", "one"]


def test_the_same_seed_gives_the_same_defects():
    def faults():
        world = World(leak=0.2)
        sessions = [world.open(str(index)) for index in range(3)]
        return [world.say(sessions[number % 3], "x").fault for number in range(60)]

    assert faults() == faults()
    assert 4 <= faults().count("leak") <= 25


def test_settings_of_the_bridge():
    settings = TargetSettings(bridge_rooms="A, B", bridge_fail=("leak=0.1", "lose_message=0.9"), bridge_delay=0.5)
    assert settings.rooms == ["A", "B"]
    assert settings.bridge_rates == {"leak": 0.1, "lose_message": 0.9}
    assert settings_from_arguments(arguments_from_settings(settings)) == settings


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"bridge_fail": ("boredom",)}, "--bridge-fail boredom: 'boredom' is not one of leak"),
        ({"bridge_fail": ("leak=2",)}, "the rate must be from 0 to 1"),
        ({"bridge_fail": ("leak", "lose_message")}, "--bridge-fail add up to more than 1"),
        ({"bridge_rooms": " , "}, "--bridge-rooms is empty"),
    ],
)
def test_bad_settings_are_told(values, message):
    with pytest.raises(ConfigError) as error:
        TargetSettings(**values)
    assert message in str(error.value)
