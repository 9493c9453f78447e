"""What a conversation's next request carries, by who keeps its history."""

from katydid.load.conversation import History, Keeper


def user(text):
    return {"role": "user", "content": text}


def assistant(text):
    return {"role": "assistant", "content": text}


def test_a_clients_history_grows_by_each_question_and_its_answer():
    history = History()
    asked = history.asking([{"role": "system", "content": "Be brief."}, user("one")])
    assert asked == [{"role": "system", "content": "Be brief."}, user("one")]
    history.answered(asked, "first")
    assert history.asking([user("two")]) == [*asked, assistant("first"), user("two")]


def test_what_was_asked_and_never_answered_is_not_said():
    history = History()
    history.asking([user("lost")])
    assert history.asking([user("one")]) == [user("one")]


def test_a_servers_history_is_an_answers_name_and_nothing_is_sent_twice():
    history = History(Keeper.SERVER)
    assert history.answer_id is None
    history.answered(history.asking([user("one")]), "first", "resp_1")
    assert (history.asking([user("two")]), history.answer_id) == ([user("two")], "resp_1")


def test_tokens_are_those_of_all_that_was_said_without_reasoning():
    history = History()
    assert history.tokens == 0
    history.counted(100, 40, 30)
    assert history.tokens == 110


def test_a_target_that_counts_nothing_has_a_history_of_unknown_length():
    history = History()
    history.counted(None, 40)
    assert history.tokens is None
