"""What the target does for clients that have left, in one sentence."""

import pytest

from documents import manifest_with
from katydid.analysis.headline import leaving_found


def found(*departed, rest=3000.0, source="metrics", **more):
    trials = [{"low_ms": low, "high_ms": high} for low, high in departed]
    record = {"source": source, "rest_ms": rest, "departed": trials} | more
    return leaving_found(manifest_with(leaving=record, options={"abandon": "10%@2s"}))


def test_a_slot_that_is_soon_free():
    told = found((0.0, 12.0), (20.0, 40.0), (10.0, 21.0))
    assert (told.outcome, told.low_ms, told.high_ms, told.source) == ("frees", 0.0, 40.0, "metrics")
    assert told.text == "The target frees the slot of a client that has left within 40.0\u00a0ms."


def test_a_slot_that_stays_taken_until_the_answer_would_have_ended():
    told = found((3100.0, 3120.0), (3104.0, 3118.0), (3108.0, 3119.0), rest=3110.0)
    assert (told.outcome, told.low_ms, told.high_ms) == ("computes", 3100.0, 3120.0)
    assert told.text == "The target goes on computing for clients that have left (≥ 3.10\u00a0s)."


def test_a_slot_that_was_never_seen_free():
    told = found((6020.0, None))
    assert (told.outcome, told.low_ms, told.high_ms) == ("computes", 6020.0, None)


def test_one_that_is_cut_off_by_the_end_of_the_watch_was_taken_as_long_as_it_was_seen():
    told = found((8000.0, None), rest=28_000.0)
    assert (told.outcome, told.low_ms) == ("computes", 8000.0)


def test_what_most_of_the_clients_saw_decides():
    assert found((2900.0, 3000.0), (0.0, 10.0), (0.0, 10.0)).outcome == "frees"
    assert found((2900.0, 3000.0), (2800.0, 2900.0), (0.0, 10.0)).low_ms == 2800.0


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (found(why="it has slots to spare"), "it has slots to spare"),
        (found(), "no client left"),
        (found((0.0, 10.0), rest=40.0), "have them leave earlier"),
        (leaving_found(manifest_with(options={"abandon": "10%@2s"})), "after a load that came to its end"),
    ],
)
def test_what_could_not_be_seen_says_why(told, why):
    assert (told.outcome, told.low_ms, told.high_ms, told.source) == ("unseen", None, None, None)
    assert told.text.startswith("What the target does for clients that have left could not be seen: ")
    assert why in told.text


def test_a_run_whose_clients_all_stay_says_nothing():
    assert leaving_found(manifest_with(options={"abandon": None})) is None
    assert leaving_found(manifest_with()) is None
