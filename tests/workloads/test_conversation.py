"""What a user says, and what it finds wrong with what it is told."""

import orjson
import pytest

from katydid.workloads.session.answers import StreamedAnswer, WholeAnswer
from katydid.workloads.session.conversation import Conversation
from katydid.workloads.session.markers import Markers
from katydid.workloads.session.scenario import load_scenario

SECRET = "of the run"
BRIDGE, OPENAI = load_scenario("bridge"), load_scenario("openai")


def user(index=0, scenario=BRIDGE):
    facts = {"turns": 20, "model": "m", "max_tokens": 9}
    room = "Tower" if scenario.rooms else None
    return Conversation(
        scenario, Markers(SECRET), index=index, name=f"kd-run-{index}", prefix="kd-run-", room=room, facts=facts
    )


def whole(step, value):
    answer = WholeAnswer(step.read)
    answer.feed(orjson.dumps(value), 0.0)
    answer.finish()
    return answer


def turn(conversation, number, *, text=None, count=None, **more):
    """Say a turn's message and hear an answer that echoes it, unless it is told to be otherwise."""
    conversation.say(number)
    said = conversation.values["text"] if text is None else text
    if BRIDGE.safety.turn == number and text is None:
        said += " Call 988."
    body = {"response": said, "id": f"a{number}", "message_count": number if count is None else count, **more}
    return violated(conversation.hear(whole(BRIDGE.message, body)))


def violated(judgement):
    return {violation.check for violation in judgement.violations}


def test_a_proper_conversation_violates_nothing():
    ours = user()
    assert [turn(ours, number) for number in range(1, 6)] == [set()] * 5


def test_another_users_text_anywhere_in_an_answer_names_both():
    theirs, ours = user(7), user(3)
    theirs.say(4)
    ours.say(1)
    answer = whole(
        BRIDGE.message,
        {"response": ours.values["text"], "message_count": 1, "debug": [theirs.values["text"]]},
    )
    (found,) = ours.hear(answer).violations
    assert (found.check, found.other) == ("isolation", 7)
    assert found.detail == "user 3 at turn 1 received a text of user 7 (its turn 4)"


def test_a_text_of_an_earlier_run_is_a_leak_too():
    assert turn(user(), 1, text=Markers("another").make(0, 1)) == {"isolation", "independent_streams"}


def test_an_answer_to_something_else_is_not_ours():
    assert turn(user(), 1, text="Good morning.") == {"independent_streams"}


def test_a_lost_message_is_told_once_and_again_by_the_history():
    ours = user()
    assert turn(ours, 1) == set()
    assert turn(ours, 2, count=1) == {"message_count"}
    assert turn(ours, 3, count=2) == set()
    assert violated(ours.see_history(history(ours, [1, 3]), content())) == {"own_history"}


def content():
    return BRIDGE.history.read["content"]


def history(conversation, turns):
    markers = Markers(SECRET)
    messages = [{"role": role, "content": markers.make(0, t)} for t in turns for role in ("user", "assistant")]
    return whole(BRIDGE.history, {"messages": messages})


@pytest.mark.parametrize(("kept", "wrong"), [([1, 2, 3], set()), ([2, 1, 3], {"own_history"}), ([], {"own_history"})])
def test_the_history_has_all_messages_in_their_order(kept, wrong):
    ours = user()
    for number in (1, 2, 3):
        turn(ours, number)
    assert violated(ours.see_history(history(ours, kept), content())) == wrong


def test_a_message_whose_answer_never_came_may_be_kept_or_not():
    for kept in ([1, 2, 3], [1, 3]):
        ours = user()
        turn(ours, 1)
        ours.say(2)
        assert turn(ours, 3, count=2) == set()
        assert violated(ours.see_history(history(ours, kept), content())) == set()


def test_the_safety_answer_is_due_at_its_turn():
    ours = user()
    turn(ours, 1)
    turn(ours, 2)
    ours.say(3)
    assert "hopeless" in ours.values["text"]
    judgement = ours.hear(whole(BRIDGE.message, {"response": ours.values["text"], "message_count": 3}))
    assert "safety_answer" in judgement.checks
    assert violated(judgement) == {"safety_answer"}


@pytest.mark.parametrize(
    ("members", "strangers", "wrong"),
    [
        (["kd-run-0", "kd-run-1"], None, False),
        ([{"name": "kd-run-1"}, {"user": "kd-run-0"}], None, False),
        (["kd-run-0", "kd-run-1", "Gandalf"], {"Gandalf"}, False),
        (["kd-run-0", "kd-run-1", "Gandalf"], set(), True),
        (["kd-run-0"], None, True),
        (["kd-run-0", "kd-run-1", "kd-run-9"], None, True),
        (None, None, True),
    ],
)
def test_all_users_of_a_room_see_the_same_members(members, strangers, wrong):
    judgement = user().see_members(whole(BRIDGE.members, {"members": members}), ["kd-run-0", "kd-run-1"], strangers)
    assert bool(judgement.violations) == wrong


def event(text, identity="c1"):
    value = {"id": identity, "choices": [{"delta": {"content": text}}]}
    return b"data: " + orjson.dumps(value) + b"\n\n"


def streamed(*events):
    answer = StreamedAnswer(OPENAI.message.read, OPENAI.done)
    for data in events:
        answer.feed(data, 1.0)
    answer.finish()
    return answer


def test_a_streamed_answer_is_put_together_so_that_a_marker_may_be_cut_anywhere():
    word = Markers(SECRET).make(5, 2)
    answer = streamed(event(word[:7]), event(word[7:]), b"data: [DONE]\n\n")
    assert answer.verdict() is None
    ours = user(0, OPENAI)
    ours.say(1)
    (found,) = ours.hear(answer).violations
    assert (found.check, found.other) == ("isolation", 5)


def test_two_answers_in_one_stream():
    ours = user(0, OPENAI)
    ours.say(1)
    judgement = ours.hear(streamed(event("a"), event("b", "c2"), b"data: [DONE]\n\n"))
    assert violated(judgement) == {"independent_streams"}


def test_the_client_keeps_the_history_where_the_service_does_not():
    ours = user(0, OPENAI)
    ours.say(1)
    ours.hear(streamed(event("Hi."), b"data: [DONE]\n\n"))
    ours.say(2)
    body = OPENAI.message.body(ours.values)
    assert [message["role"] for message in body["messages"]] == ["user", "assistant", "user"]
    assert body["messages"][1]["content"] == "Hi."
    assert (body["model"], body["max_tokens"]) == ("m", 9)


def test_a_streamed_answer_without_its_end_is_truncated():
    assert streamed(event("a")).verdict()[0] == "truncated"


# A service that does not say what it was told


def test_a_canned_safety_answer_is_nobodys_stream_and_no_failure():
    ours = user()
    turn(ours, 1)
    turn(ours, 2)
    assert turn(ours, 3, text="Please call 988, the lifeline.") == set()


def test_a_safety_answer_that_comes_a_turn_early_is_canned_too():
    assert turn(user(), 1, text="Please call 988, the lifeline.") == set()


def test_a_canned_answer_where_no_safety_answer_is_due_is_not_to_its_message():
    ours = user()
    for number in (1, 2, 3):
        turn(ours, number)
    assert turn(ours, 4, text="Please call 988, the lifeline.") == {"independent_streams"}


def test_another_users_text_beside_a_canned_safety_answer_is_a_leak():
    theirs, ours = user(7), user(3)
    theirs.say(4)
    assert "isolation" in turn(ours, 3, text=f"Call 988. {theirs.values['text']}")


def test_a_judgement_tells_how_many_words_of_users_the_answer_held():
    ours = user()
    ours.say(1)
    body = {"response": ours.values["text"], "message_count": 1}
    assert ours.hear(whole(BRIDGE.message, body)).markers == 1
    assert ours.hear(whole(BRIDGE.message, {"response": "$17", "message_count": 1})).markers == 0
    assert ours.see_history(history(ours, [1]), content()).markers == 2


def test_a_history_whose_texts_cannot_be_read_says_nothing_of_its_messages():
    ours = user()
    turn(ours, 1)
    judgement = ours.see_history(whole(BRIDGE.history, {"messages": [{"event": "$1"}]}), content())
    assert (violated(judgement), judgement.markers) == (set(), 0)


def test_members_may_be_the_keys_of_an_object():
    there = whole(BRIDGE.members, {"members": {"kd-run-0": {"since": 1}, "kd-run-1": {}}})
    assert not user().see_members(there, ["kd-run-0", "kd-run-1"], None).violations
