"""The look at a service before conversations load it: it is asked as a user would be, and complaints name the file."""

import pytest

from foreign_bridge import SCENARIO, foreign_bridge
from katydid.model.errors import ConfigError
from katydid.workloads.session import SessionOptions
from katydid.workloads.session.service import SessionService


def look(tmp_path, scenario, host, **options):
    file = tmp_path / "mine.toml"
    file.write_text(scenario)
    SessionService(SessionOptions(scenario=str(file), **options), host).preflight()


def test_where_only_a_session_may_look_one_is_opened(tmp_path):
    with foreign_bridge() as bridge:
        look(tmp_path, SCENARIO, bridge.url, rooms="Tower,Chapel")
        assert [place for _, place in bridge.places.values()] == ["Tower", "Chapel"]


def test_where_anybody_may_look_nobody_joins(tmp_path):
    with foreign_bridge() as bridge:
        bridge.join("porter", "Tower")
        look(tmp_path, SCENARIO.replace("{{ session }}", "t0"), bridge.url)
        assert len(bridge.places) == 1


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('session = "ticket"', 'session = "token"', "the answer has nothing at open.read.session"),
        ('members = "here"', 'members = "there"', "the answer has no list at members.read.members"),
        ('path = "/join"', 'path = "/enter"', "does not open a session in 'Tower' (400 bad request"),
        ('path = "/who', 'path = "/whom', "has no room 'Tower' (400 bad request"),
    ],
)
def test_what_is_wrong_is_one_line_with_the_scenarios_name(tmp_path, old, new, told):
    assert old in SCENARIO
    with foreign_bridge() as bridge, pytest.raises(ConfigError) as refused:
        look(tmp_path, SCENARIO.replace(old, new), bridge.url)
    assert told in str(refused.value)
    assert "mine.toml" in str(refused.value)
    assert "\n" not in str(refused.value)
