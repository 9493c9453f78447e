"""Fields of a request's body that a person sets: any, any deep, and none that is secret in what others read."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from katydid.load.body import Adaptation, adapted, body_fields, secret_values, shown_fields
from katydid.model.errors import ConfigError


def changed(text, body):
    for field in body_fields(text):
        field.put_into(body)
    return body


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("top_p=0.9", {"a": 1, "top_p": 0.9}),
        ("a=", {}),
        ("a=null", {"a": None}),
        ("a=yes", {"a": "yes"}),
        ('a="5"', {"a": "5"}),
        ("a=x=y", {"a": "x=y"}),
        ("stop=[1, 2]", {"a": 1, "stop": [1, 2]}),
        ("b.c.d=true", {"a": 1, "b": {"c": {"d": True}}}),
        ("b.c=", {"a": 1}),
        ("a=NaN", {"a": "NaN"}),
        ("a=2\n\nb=3\n", {"a": 2, "b": 3}),
        (None, {"a": 1}),
    ],
)
def test_a_field_is_set_or_taken_out(text, after):
    assert changed(text, {"a": 1}) == after


@pytest.mark.parametrize("text", ["top_p", "=1", "a..b=1", ".=2", "stream=false", "messages=[]"])
def test_what_is_not_a_field_or_not_for_a_person_to_set_is_refused(text):
    with pytest.raises(ConfigError, match="--body"):
        body_fields(text)


def test_a_path_through_what_is_not_an_object_is_refused():
    with pytest.raises(ConfigError, match="a is not an object"):
        changed("a.b=1", {"a": 5})


def test_values_of_secret_names_are_not_shown():
    text = "metadata.api_key=hunter2\ntop_p=0.9\ntoken="
    assert "hunter2" not in shown_fields(text)
    assert "top_p=0.9" in shown_fields(text)
    assert secret_values(body_fields(text)) == ["hunter2"]


@given(st.text(max_size=60))
def test_any_text_is_fields_or_a_complaint(text):
    with contextlib.suppress(ConfigError):
        changed(text, {})
    shown_fields(text)


@given(st.text(max_size=200))
def test_whatever_a_refusal_says_an_adaptation_leaves_less_to_refuse(words):
    body = {"max_tokens": 1, "temperature": 0, "seed": 1, "stream_options": {}}
    known = Adaptation()
    for _ in range(5):
        left = dict(body)
        known.change(left)
        more = adapted(known, left, frozenset(), words)
        if more is None:
            break
        assert more != known
        known = more
    else:
        pytest.fail("it goes on for ever")


def test_what_a_refusal_does_not_name_and_that_is_not_about_fields_is_left_alone():
    assert adapted(Adaptation(), {"seed": 1}, frozenset(), "the prompt is too long") is None


def test_of_several_fields_only_those_that_are_ours_are_left_out():
    body, words = {"max_tokens": 5, "temperature": 0.5, "seed": 1}, "unsupported: temperature, seed"
    assert adapted(Adaptation(), body, frozenset({"temperature"}), words) == Adaptation(left_out=("seed",))
    assert adapted(Adaptation(), body, frozenset({"max_tokens"}), "use max_completion_tokens") is None
