"""Conversations end to end: a proper service has no violation, and each defect is found where it was."""

import json

import pytest

from foreign_bridge import IDS_ONLY, SCENARIO, foreign_bridge
from katydid.target.process import start_target
from katydid.workloads.session import FOLDER
from running import COMPLETE, katydid, the_run

pytestmark = pytest.mark.e2e


def talk(folder, host, *words, users=5, turns=20, code=0):
    done = katydid(
        "run", "session", "--host", host, "--users", users, "--turns", turns, "--interval", "0", *words, folder=folder
    )
    assert done.wait() == code, done.err
    return done, the_run(folder / "reports")


def checks(run):
    return {check["name"]: check for check in run.summary["checks"]}


def test_five_users_with_twenty_messages_each(tmp_path):
    with start_target(log=str(tmp_path / "truth.jsonl")) as target:
        done, run = talk(tmp_path, target.url, "--session-json", "-")
        truth = [line for line in target.log() if line["path"].endswith("/messages")]
    result = json.loads(done.out)
    assert (result["users"], result["total_messages"], result["total_errors"]) == (5, 100, 0)
    assert (result["session_isolation"], result["room_occupancy"], result["crisis_detection"]) == (True, True, True)
    assert all(check["passed"] for check in run.summary["checks"])
    assert {name: check["count"] for name, check in checks(run).items()} == {
        "isolation": 105,
        "independent_streams": 100,
        "message_count": 100,
        "own_history": 5,
        "room_members": 10,
        "safety_answer": 5,
    }
    messages = run.samples[run.samples["name"] == "message"]
    assert sorted(messages["request_id"]) == sorted(line["request_id"] for line in truth)
    assert run.files == COMPLETE
    assert run.manifest["ended"] == "completed"
    assert run.manifest["scenario"] == "bridge"
    assert "Every answer that could be checked was correct" in (run.path / "report.html").read_text()
    assert run.summary["valid"]


def test_leaks_are_found_between_users_of_two_processes_with_both_parties(tmp_path):
    log = str(tmp_path / "truth.jsonl")
    with start_target(bridge_fail=("leak=0.05",), log=log) as target:
        _, run = talk(
            tmp_path, target.url, "--processes", "2", "--failure-threshold", "0", "--rooms", "Tower", users=20, code=1
        )
        truth = {line["request_id"]: line["party"] for line in target.log() if line["fault"] == "leak"}
    found = run.samples[run.samples["error"] == "isolation"]
    told = dict(zip(found["request_id"], found["other_user"].astype(int), strict=True))
    assert told == {request_id: int(party.rpartition("-")[2]) for request_id, party in truth.items()}
    assert len(truth) >= 5
    assert set(run.samples["worker"]) == {"worker-0", "worker-1"}
    assert not checks(run)["isolation"]["passed"]
    assert checks(run)["isolation"]["violations"] == len(truth)
    assert checks(run)["room_members"]["passed"], "users of both processes are expected in the room"


@pytest.mark.parametrize(
    ("defect", "check"),
    [
        ("lose_message=0.1", "message_count"),
        ("reorder_history", "own_history"),
        ("lose_safety_under_load", "safety_answer"),
    ],
)
def test_each_defect_breaks_its_check(tmp_path, defect, check):
    with start_target(bridge_fail=(defect,)) as target:
        _, run = talk(tmp_path, target.url, "--failure-threshold", "0", turns=6, code=1)
    assert not checks(run)[check]["passed"]
    assert checks(run)["isolation"]["passed"]
    assert run.summary["counts"]["failed"] >= 1
    assert run.summary["headline"]["outcome"] == "failed"
    assert check in run.summary["headline"]["text"]


def test_violations_count_for_the_failure_threshold(tmp_path):
    with start_target(bridge_fail=("leak",)) as target:
        _, run = talk(tmp_path, target.url, "--failure-threshold", "3", code=1)
    in_run = run.samples[(run.samples["outcome"] == "failed") & ~run.samples["after_stop"]]
    assert len(in_run) == 3
    assert run.manifest["ended"] == "failure-threshold"


def test_a_streamed_chat_whose_history_the_client_keeps(tmp_path):
    with start_target(ttft=0.01, chunk_interval=0.001, chunks=5) as target:
        _, run = talk(tmp_path, target.url, "--scenario", "openai", users=3, turns=4)
    passed = {name: check["passed"] for name, check in checks(run).items()}
    assert passed == {"isolation": None, "independent_streams": True}, "a model that repeats no word shows no leak"
    messages = run.samples[run.samples["name"] == "message"]
    assert len(messages) == 12
    assert messages["ttft_ms"].notna().all()
    assert run.manifest["transport"] == "sse"


def test_messages_over_websockets(tmp_path):
    log = str(tmp_path / "truth.jsonl")
    with start_target(bridge_fail=("leak=0.1",), log=log) as target:
        _, run = talk(
            tmp_path, target.url, "--scenario", "bridge-websocket", "--failure-threshold", "0", users=3, turns=5, code=1
        )
        truth = {line["request_id"] for line in target.log() if line["fault"] == "leak"}
    assert checks(run)["message_count"]["passed"]
    assert checks(run)["isolation"]["count"] == 18
    assert truth
    assert set(run.samples.loc[run.samples["error"] == "isolation", "request_id"]) == truth
    assert run.samples["duration_ms"].notna().all()


def test_an_answer_without_the_text_that_the_scenario_reads(tmp_path):
    source = (FOLDER / "bridge.toml").read_text()
    (tmp_path / "other.toml").write_text(source.replace('text = "response"', 'text = "reply"'))
    with start_target() as target:
        _, run = talk(tmp_path, target.url, "--scenario", "other.toml", users=1, turns=2)
    failed = run.samples[run.samples["outcome"] == "failed"]
    assert set(failed["error"]) == {"malformed"}
    assert set(failed["detail"]) == {"the answer has no text at message.read.text"}


BAD = """
[message]
path = "/m"
body = { text = "{{ text }}" }
text = "hello"
read = { text = "a" }
"""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('text = "hello"\n', "", "message.text is missing"),
        ('"hello"', '"hello {{ usr }}"', "message.text: 'usr' is undefined"),
        ('"hello"', "\"{{ ''.__class__.__mro__ }}\"", "message.text: access to attribute '__class__'"),
        ('"/m"', '"m"', "'m' is not a path"),
    ],
)
def test_a_bad_scenario_is_one_line(tmp_path, old, new, message):
    (tmp_path / "bad.toml").write_text(BAD.replace(old, new))
    done = katydid("run", "session", "--host", "http://127.0.0.1:1", "--scenario", "bad.toml", folder=tmp_path)
    assert done.wait(30) == 2
    assert message in done.err
    assert len(done.err.strip().splitlines()) == 1


def test_a_room_that_does_not_exist_is_one_line(tmp_path):
    with start_target() as target:
        done = katydid("run", "session", "--host", target.url, "--rooms", "Tower,Attic", folder=tmp_path)
        assert done.wait(30) == 2
    assert "has no room 'Attic' (404 no such room: Attic)" in done.err
    assert len(done.err.strip().splitlines()) == 1


@pytest.mark.slow
@pytest.mark.parametrize("leak_every", [0, 50])
def test_a_service_with_a_canned_crisis_answer(tmp_path, leak_every):
    """Somebody else's bridge: five users, twenty messages each, in rooms, the third answered by the crisis line."""
    (tmp_path / "theirs.toml").write_text(SCENARIO.replace("room_size = 1", "room_size = 5"))
    with foreign_bridge(leak_every=leak_every) as bridge:
        _, run = talk(tmp_path, bridge.url, "--scenario", "theirs.toml", code=int(leak_every > 0))
    assert {name: check["passed"] for name, check in checks(run).items()} == {
        "isolation": not leak_every,
        "independent_streams": True,
        "message_count": True,
        "own_history": True,
        "room_members": True,
        "safety_answer": True,
    }
    examples = checks(run)["isolation"]["examples"]
    told = {(each["user"], each["other_user"]) for each in examples}
    assert told == {tuple(int(name.rpartition("-")[2]) for name in pair) for pair in bridge.leaks}
    assert len(bridge.leaks) == (100 // leak_every if leak_every else 0)


@pytest.mark.slow
def test_a_service_that_answers_by_ids_shows_no_isolation(tmp_path):
    (tmp_path / "ids.toml").write_text(IDS_ONLY)
    with foreign_bridge(ids_only=True) as bridge:
        done, run = talk(tmp_path, bridge.url, "--scenario", "ids.toml", turns=3)
    passed = {name: check["passed"] for name, check in checks(run).items()}
    assert (passed["isolation"], passed["own_history"], passed["independent_streams"]) == (None, None, True)
    assert run.summary["session"]["session_isolation"] is None
    assert "inconclusive" in done.out
