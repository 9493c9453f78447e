"""Speech: what is said to a service that has other habits, and what a report says of how it kept up."""

import numpy as np
import pandas as pd
import pytest

from documents import manifest_with, summary_with
from katydid.dialects.speech import speech_dialect
from katydid.report.model import Material
from katydid.workloads.speech import SpeechOptions
from katydid.workloads.speech.audio import Audio, AudioStream, Pace
from katydid.workloads.speech.section import speech_section
from katydid.workloads.speech.user import SpeechService

CHUNKS = [b"\1\0" * 1600, b"\2\0" * 1600]


def said_by(**messages):
    """All that a stream of two chunks says, and the stream."""
    stream = AudioStream(Audio(b"".join(CHUNKS)), CHUNKS, Pace(0.1, 0.0), speech_dialect("generic"), **messages)
    stream.begin(0.0)
    said = []
    while stream.due is not None:
        said.append(stream.say(1.0, held=False))
    return said, stream


def test_a_stream_without_a_start_message_begins_with_audio():
    assert said_by(start=None, stop="bye")[0] == [*CHUNKS, "bye"]


def test_a_stream_without_an_end_message_says_nothing_at_its_end_and_listens_on():
    said, stream = said_by(start="hello", stop=None)
    assert said == ["hello", *CHUNKS, None]
    assert (stream.stopped_at, stream.parser.stopped, stream.done) == (1.0, True, False)


def test_the_options_replace_the_dialects_messages():
    service = SpeechService(
        SpeechOptions(api="vosk", speech_start='{"id": "{request_id}"}', speech_end="none"), "http://127.0.0.1:9"
    )
    stream = service.audio_stream(0, 0, "r7")
    stream.begin(0.0)
    assert stream.say(0.0, held=False) == '{"id": "r7"}'


def test_our_messages_are_in_no_manifest_since_they_may_hold_a_key():
    shown = SpeechOptions(speech_start='{"token": "my secret"}', speech_end="none").shown()
    assert (shown["speech_start"], shown["speech_end"]) == ("22 bytes", "none")
    assert SpeechOptions().shown()["speech_start"] is None


# The report

SPOKEN = {
    "status": 101, "outcome": "ok", "error": None, "after_stop": False, "counted": True, "scheduled_ms": 0.0,
    "start_ms": 0.0, "audio_ms": 2000.0, "duration_ms": 2100.0, "rtf": 1.05, "server_rtf": 0.25,
    "queue_pending_max": np.nan,
}  # fmt: skip
REFUSED = SPOKEN | {
    "status": 503, "outcome": "failed", "error": "overloaded", "duration_ms": 1.0, "rtf": np.nan, "server_rtf": np.nan
}  # fmt: skip


def section_of(*rows):
    frame = pd.DataFrame(rows)
    ok = frame[frame["outcome"] == "ok"]
    rtf = float(ok["rtf"].mean()) if len(ok) else None
    summary = summary_with({"metrics": {"rtf.mean": rtf}, "counts": {"ok": len(ok)}})
    options = {"audio_chunk": 100.0, "audio_speed": 1.0}
    return speech_section(Material(manifest_with(options=options), summary, frame, pd.DataFrame()))


def test_a_service_that_falls_behind_is_told_so_with_the_workers_it_needs():
    slow = SPOKEN | {"rtf": 5.3, "duration_ms": 10_600.0}
    (text,) = section_of(*[slow] * 12).text
    assert (
        "RTF 5.30 (mean of 12 streams): falls behind; it needs 5 workers with RTF 0.250 for 12 concurrent streams"
        in text
    )


def test_a_service_that_keeps_up_is_told_so():
    (text,) = section_of(SPOKEN).text
    assert "keeps up with speech" in text


def test_workers_are_counted_for_those_who_were_refused_too():
    text, refused = section_of(*[SPOKEN] * 6, *[REFUSED] * 6).text
    assert "5 workers" in text
    assert "12 concurrent streams" in text
    assert refused == "6 of 12 streams rejected (503, 429)."


@pytest.mark.parametrize(("factor", "word"), [(np.nan, "reports no processing time"), (0.00029, "implausible")])
def test_no_number_of_workers_follows_from_a_factor_that_cannot_be(factor, word):
    (text,) = section_of(SPOKEN | {"server_rtf": factor}).text
    assert word in text
    assert "workers of RTF" not in text


def test_queue_and_refusals_are_told_and_drawn():
    section = section_of(SPOKEN | {"queue_pending_max": 61}, SPOKEN | {"queue_pending_max": 73}, REFUSED)
    assert "The target reported a queue of up to 73 chunks (median over streams: 67.0)." in section.text
    (chart,) = section.charts
    rtf, queue = chart.lines
    (refused,) = chart.bars
    assert [y for _, y in rtf.points][-1] == pytest.approx(1.05)
    assert [y for _, y in queue.points][-1] == 73
    assert queue.right
    assert list(refused.heights) == [1.0, 0.0, 0.0]


def test_where_no_stream_had_a_result_there_is_a_section_all_the_same():
    assert section_of(REFUSED).text[0] == "No stream had a final result."


def test_a_run_without_speech_has_no_such_section():
    frame = pd.DataFrame({"outcome": ["ok"]})
    assert speech_section(Material(manifest_with(), summary_with({}), frame, pd.DataFrame())) is None
