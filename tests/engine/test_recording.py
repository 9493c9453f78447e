"""What a request's row says of its end, also where it had no last byte."""

import time
from contextlib import suppress
from types import SimpleNamespace

import pytest
from gevent import GreenletExit

from katydid.engine.recorder import Recorder, Sampled
from katydid.model.redact import Redactor
from katydid.model.sample import ErrorClass, LateCause
from katydid.runs.rows import decode, sample_schema


@pytest.fixture
def recorder():
    """Of a run that began a second ago; every failure belongs to it."""
    return recorder_of()


def recorder_of(**more):
    origin = time.monotonic() - 1.0
    return Recorder(
        SimpleNamespace(events=SimpleNamespace(request=SimpleNamespace(fire=lambda **_: None))),
        SimpleNamespace(halted=False, admit=lambda: True),
        SimpleNamespace(ms=lambda at: (at - origin) * 1000.0),
        schema=sample_schema(),
        worker="local",
        redactor=Redactor([]),
        stage=lambda: None,
        **more,
    )


def next_sample(recorder, held_up=None):
    now = time.monotonic()
    stage = SimpleNamespace(number=0, is_settling=lambda _: False)
    sample = recorder.new_sample(user=0, iteration=0, name="chat", scheduled=now, stage=stage)
    sample.late_cause = held_up
    return sample


def recorded(recorder, change, held_up=None):
    sample = next_sample(recorder, held_up)
    sample.start_ms = sample.scheduled_ms
    change(sample)
    recorder.finish(sample, "STREAM", 0.0)
    (row,) = decode(recorder.buffer.drain()).to_pylist()
    return row


@pytest.mark.parametrize(
    "change", [lambda s: s.abort(), lambda s: s.fail(ErrorClass.IDLE_TIMEOUT), lambda s: s.fail(ErrorClass.RESET)]
)
def test_a_request_without_a_last_byte_says_when_it_ended(recorder, change):
    row = recorded(recorder, change)
    assert row["duration_ms"] is None
    assert row["start_ms"] <= row["ended_ms"] <= row["start_ms"] + 500.0


@pytest.mark.parametrize("error", [None, ValueError("a bug"), GreenletExit()])
def test_a_request_is_in_flight_until_its_block_ends_however_it_does(recorder, error):
    def block():
        with Sampled(next_sample(recorder), recorder, "STREAM"):
            assert recorder.in_flight == 1
            with Sampled(next_sample(recorder), recorder, None):
                assert recorder.in_flight == 1, "a row of several requests is none"
            if error:
                raise error

    with suppress(GreenletExit):
        block()
    assert recorder.in_flight == 0
    assert recorder.recorded == 2


def test_one_with_a_last_byte_says_how_long_it_took_alone(recorder):
    row = recorded(recorder, lambda s: setattr(s, "duration_ms", 12.5))
    assert (row["duration_ms"], row["ended_ms"]) == (12.5, None)


@pytest.mark.parametrize(
    ("late_ms", "held_up", "cause"),
    [(10.0, "pool", None), (80.0, "pool", "pool"), (80.0, None, "generator")],
)
def test_a_late_start_says_its_cause(recorder, late_ms, held_up, cause):
    row = recorded(recorder, lambda s: setattr(s, "late_ms", late_ms), held_up and LateCause(held_up))
    assert (row["late_ms"], row["late_cause"]) == (late_ms, cause)


def test_nothing_is_late_where_nothing_is_due_at_a_time():
    row = recorded(recorder_of(late_limit=None), lambda s: setattr(s, "late_ms", 80.0))
    assert (row["late_ms"], row["late_cause"]) == (None, None)
