"""Words that tell whose message a text is from."""

import base64
import hmac
import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from katydid.workloads.session.markers import Marker, Markers

ids = st.integers(0, 2**32 - 1)


@given(user=ids, turn=ids)
def test_another_process_of_the_run_reads_whose_it_is(user, turn):
    word = Markers("secret").make(user, turn)
    assert list(Markers("secret").find(f"You said: {word}.")) == [Marker(user, turn)]


def test_a_marker_of_another_run_is_nobodys():
    assert list(Markers("ours").find(Markers("theirs").make(3, 4))) == [Marker(None, None)]


def test_one_letter_changed_is_no_marker_of_ours():
    word = Markers("secret").make(3, 4)
    forged = word[:-1] + ("a" if word[-1] != "a" else "b")
    assert list(Markers("secret").find(forged)) == [Marker(None, None)]


def test_a_model_may_write_it_in_capitals_and_without_gaps():
    one, two = Markers("s").make(1, 1), Markers("s").make(2, 1)
    assert list(Markers("s").find(f"x{one.upper()}{two}")) == [Marker(1, 1), Marker(2, 1)]


def test_no_two_are_alike_and_the_next_cannot_be_foreseen():
    made = {Markers("s").make(user, turn) for user in range(50) for turn in range(50)}
    assert len(made) == 2500
    assert Markers("s").make(0, 1)[16:] != Markers("s").make(0, 2)[16:]


def test_what_was_forgotten_is_recognised_by_its_signature(monkeypatch):
    monkeypatch.setattr("katydid.workloads.session.markers._REMEMBERED", 2)
    markers = Markers("s")
    words = [markers.make(user, 0) for user in range(5)]
    assert [marker.user for marker in markers.find(" ".join(words))] == list(range(5))


@pytest.mark.parametrize("text", ["", "kd9", "kd9" * 100, "kd90000000011111111000000001111111100"])
def test_ordinary_words_are_no_markers(text):
    assert list(Markers("s").find(text)) == []


def test_searching_takes_time_by_the_text_alone():
    """Ten times the text takes about ten times as long, not a hundred times."""
    random.seed(0)
    words = [random.choice(["kd9", "kd9abcdefgh", "lorem ", "kd"]) for _ in range(400_000)]

    def seconds(count):
        """Of the processor, the least of three: the clock on the wall also counts other programs."""
        text, took = "".join(words[:count]), []
        for _ in range(3):
            began = time.thread_time()
            assert not list(Markers("s").find(text))
            took.append(time.thread_time() - began)
        return min(took)

    assert seconds(400_000) < 60 * max(seconds(40_000), 1e-3)


def test_a_marker_is_what_every_version_made_of_it():
    """User and turn, big-endian, then 96 bits of HMAC-SHA-256 over them, in base 32."""
    payload = (3).to_bytes(4) + (4).to_bytes(4)
    signed = payload + hmac.digest(b"s", payload, "sha256")[:12]
    assert Markers("s").make(3, 4) == "kd9" + base64.b32encode(signed).decode().lower()


def test_numbers_beyond_32_bits_begin_again_for_another_process_and_are_known_to_their_own():
    markers = Markers("s")
    word = markers.make(2**32 + 5, 2**32 - 1)
    assert list(markers.find(word)) == [Marker(2**32 + 5, 2**32 - 1)]
    assert list(Markers("s").find(word)) == [Marker(5, 2**32 - 1)]


def test_memory_is_bounded_and_the_oldest_are_forgotten_first(monkeypatch):
    monkeypatch.setattr("katydid.workloads.session.markers._REMEMBERED", 2)
    markers = Markers("s")
    words = [markers.make(2**32 + user, 0) for user in range(3)]
    remembered = [marker.user >= 2**32 for word in words for marker in markers.find(word)]
    assert remembered == [False, True, True]


def test_a_marker_says_user_and_turn_in_this_order():
    word = Markers("s").make(1, 2)
    (found,) = Markers("s").find(word)
    assert (found.user, found.turn) == (1, 2)
