"""What a request's row says of its end, also where it had no last byte."""

import time
from types import SimpleNamespace

import pytest

from katydid.engine.recorder import Recorder
from katydid.model.redact import Redactor
from katydid.model.sample import ErrorClass
from katydid.runs.rows import decode, sample_schema


@pytest.fixture
def recorder():
    """Of a run that began a second ago; every failure belongs to it."""
    origin = time.monotonic() - 1.0
    return Recorder(
        SimpleNamespace(events=SimpleNamespace(request=SimpleNamespace(fire=lambda **_: None))),
        SimpleNamespace(halted=False, admit=lambda: True),
        SimpleNamespace(ms=lambda at: (at - origin) * 1000.0),
        schema=sample_schema(),
        worker="local",
        redactor=Redactor([]),
        stage=lambda: None,
    )


def recorded(recorder, change):
    now = time.monotonic()
    stage = SimpleNamespace(number=0, is_settling=lambda _: False)
    sample = recorder.new_sample(user=0, iteration=0, name="chat", scheduled=now, stage=stage)
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


def test_one_with_a_last_byte_says_how_long_it_took_alone(recorder):
    row = recorded(recorder, lambda s: setattr(s, "duration_ms", 12.5))
    assert (row["duration_ms"], row["ended_ms"]) == (12.5, None)
