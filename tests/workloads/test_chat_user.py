"""Conversations of the workload `chat`: what each turn sends, and the rows that it leaves."""

import itertools
import time

import pytest
from locust.exception import StopUser

from chatting import Model, chat_service, failed, one_conversation, talker
from katydid.model.sample import ErrorClass, Outcome


def said(body):
    return [(message["role"], message["content"]) for message in body["messages"]]


def test_each_turn_sends_all_that_was_said_before_and_something_new():
    client = Model()
    turns, _ = one_conversation(chat_service(client, turns="3"))
    assert [sample.outcome for sample in turns] == [Outcome.OK] * 3, turns[0].detail
    first, second, third = map(said, client.asked)
    assert [role for role, _ in third] == ["user", "assistant", "user", "assistant", "user"]
    assert second[:1] == first
    assert second[1] == ("assistant", " word word word")
    assert third[:3] == second
    assert len({text for role, text in third if role == "user"}) == 3


def test_a_row_says_its_conversation_its_turn_and_the_history_that_the_target_counted():
    turns, whole = one_conversation(chat_service(turns="3"))
    columns = [sample.extra for sample in turns]
    assert {row["session_id"] for row in columns} == {whole.extra["session_id"]} == {whole.request_id}
    assert [row["turn"] for row in columns] == [1, 2, 3]
    assert columns[0]["history_tokens"] == 0
    for before, after in itertools.pairwise(turns):
        assert after.extra["history_tokens"] == before.prompt_tokens + before.completion_tokens
        assert after.prompt_tokens > after.extra["history_tokens"]
    assert [row["completed"] for row in columns] == [False, False, True]
    assert [row["kind"] for row in columns] == ["request"] * 3
    assert (whole.extra["kind"], whole.extra["turn"], whole.outcome) == ("iteration", 3, Outcome.OK)
    assert sum(turn.duration_ms for turn in turns) <= columns[2]["conversation_ms"] <= whole.duration_ms


def test_times_to_the_first_token_of_first_and_later_turns_stand_apart():
    turns, _ = one_conversation(chat_service(turns="2"))
    assert turns[0].extra["ttft_first_turn_ms"] == turns[0].ttft_ms is not None
    assert turns[1].extra["ttft_later_turns_ms"] == turns[1].ttft_ms is not None
    assert "ttft_later_turns_ms" not in turns[0].extra
    assert "ttft_first_turn_ms" not in turns[1].extra


def test_a_user_thinks_between_two_turns_and_the_next_is_due_when_it_has():
    user = talker(chat_service(turns="3", think_time="20ms"))
    user.iterate(time.monotonic())
    turns = user.run_context.recorder.turns
    assert [sample.extra["think_ms"] for sample in turns] == [None, 20.0, 20.0]
    for before, after in itertools.pairwise(turns):
        assert after.scheduled_ms >= before.start_ms + before.duration_ms + 20.0
    assert max(user.waited) <= 0.02


def test_a_turn_that_fails_ends_its_conversation_and_is_counted_once():
    turns, whole = one_conversation(chat_service(Model(answers=2), turns="5"))
    assert [sample.outcome for sample in turns] == [Outcome.OK, Outcome.OK, Outcome.FAILED]
    assert len(failed(turns)) == 1
    assert (whole.outcome, whole.error, whole.extra["turn"]) == (Outcome.FAILED, ErrorClass.HTTP_5XX, 2)
    assert not any(sample.extra["completed"] for sample in turns)


def test_each_turn_is_drawn_by_itself_whether_its_user_leaves():
    user, drawn = talker(chat_service(turns="3")), []
    exchange = user.exchange
    user.exchange = lambda *given: [drawn.append(user.draw), exchange(*given)]
    user.iterate(time.monotonic())
    assert drawn == [(0, 0), (0, 1), (0, 2)]


def test_an_answer_without_text_is_no_turn_to_go_on_from():
    class Reasoning(Model):
        def send(self, request, sink, exchange):
            super().send(request, self.Sink(sink), exchange)

        class Sink:
            def __init__(self, sink):
                self.feed = lambda data, at: sink.feed(data.replace(b'"content":" word', b'"reasoning":" word'), at)
                self.finish = sink.finish

    turns, whole = one_conversation(chat_service(Reasoning(), turns="3"))
    assert [sample.error for sample in turns] == [ErrorClass.EMPTY]
    assert "--max-tokens" in turns[0].detail
    assert whole.outcome is Outcome.FAILED


def test_a_run_that_ends_waits_for_nobody_who_thinks():
    user = talker(chat_service(turns="3", think_time="1h"))

    def wait():
        user.run_context.stopper.ending = True

    user.wait = wait
    with pytest.raises(StopUser):
        user.iterate(time.monotonic())
    recorder = user.run_context.recorder
    assert [sample.outcome for sample in recorder.turns] == [Outcome.OK]
    assert [sample.outcome for sample in recorder.conversations] == [Outcome.ABORTED]


def test_who_has_thought_enough_in_the_moment_in_which_the_run_ends_asks_nothing_more():
    user = talker(chat_service(turns="3", think_time="0.001"))

    def wait():
        time.sleep(0.002)
        user.run_context.stopper.ending = True

    user.wait = wait
    with pytest.raises(StopUser):
        user.iterate(time.monotonic())
    assert [sample.outcome for sample in user.run_context.recorder.turns] == [Outcome.OK]


def test_a_pauses_length_is_the_thinking_and_no_longer_asked_for_afterwards():
    user = talker(chat_service())
    user.pause(time.monotonic() + 0.01)
    assert user.waited[0] <= 0.01  # what is left of it when it is asked for
    assert user._pause is None
