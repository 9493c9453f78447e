"""Answers that the embedded target keeps: a request that goes on from one has all that was said before."""

import pytest
from wire import ask, post

from katydid.target.apis.base import Ask
from katydid.target.apis.responses import MOST_KEPT, KeptAnswers
from katydid.target.wire.http import RequestError

RESPONSES = "/v1/responses"


def asking(*words, previous=None, stores=True):
    return Ask(model="m", stream=False, limit=None, words=words, stores=stores, previous=previous)


def test_a_request_that_goes_on_has_the_words_of_the_whole_conversation_in_their_order():
    kept = KeptAnswers()
    kept.keep(kept.complete(asking("one")), "a", "first answer")
    second = kept.complete(asking("two", previous="a"))
    assert list(second.words) == ["one", "first", "answer", "two"]
    kept.keep(second, "b", "second")
    assert list(kept.complete(asking("three", previous="b")).words) == [*second.words, "second", "three"]
    assert list(kept.complete(asking("other", previous="a")).words) == ["one", "first", "answer", "other"]


def test_a_request_that_says_nothing_new_goes_on_all_the_same():
    kept = KeptAnswers()
    kept.keep(kept.complete(asking("one")), "a", "x")
    kept.keep(kept.complete(asking(previous="a")), "b", "y")
    assert list(kept.complete(asking("two", previous="b")).words) == ["one", "x", "y", "two"]


@pytest.mark.parametrize("previous", ["never", "declined"])
def test_what_is_not_kept_is_an_error_that_names_it(previous):
    kept = KeptAnswers()
    kept.keep(asking("one", stores=False), "declined", "x")
    with pytest.raises(RequestError, match=f"'{previous}' not found"):
        kept.complete(asking("two", previous=previous))


def test_the_oldest_are_forgotten_first():
    kept = KeptAnswers()
    for number in range(MOST_KEPT + 1):
        kept.keep(asking("one"), f"{number}", "x")
    assert list(kept.complete(asking("two", previous="1")).words) == ["one", "x", "two"]
    with pytest.raises(RequestError):
        kept.complete(asking("two", previous="0"))


@pytest.mark.parametrize("stream", [False, True])
def test_over_the_wire_tokens_grow_by_the_question_and_the_answer(start, stream):
    target = start(chunks=4)
    first = ask(target, post(RESPONSES, input="one two", stream=stream))
    assert first.status == 200
    (line,) = target.log()
    second = ask(target, post(RESPONSES, input="three", previous_response_id=f"resp_{line['request_id'][-24:]}"))
    assert second.json["usage"]["input_tokens"] == 2 + 4 + 1
    assert ask(target, post(RESPONSES, input="three", previous_response_id="resp_x")).status == 400


def test_a_look_before_the_load_is_kept_too(quick):
    look = ("X-Katydid-Preflight: 1",)
    first = ask(quick, post(RESPONSES, input="one two", headers=look)).json
    second = ask(quick, post(RESPONSES, input="three", previous_response_id=first["id"], headers=look)).json
    assert second["usage"]["input_tokens"] == 2 + 1 + 1
