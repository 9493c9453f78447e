"""What speech services say, as their own documents and servers have it, and what a sample makes of it."""

import json

import pytest

from katydid.dialects.speech import own_words, speech_dialect
from katydid.dialects.speech.transcript import SpeechParser
from katydid.dialects.status import classify_close
from katydid.model.errors import ConfigError
from katydid.model.sample import ErrorClass as E

STOP = object()


def listen(api, messages, fields=None, close=None):
    """A reading that has heard these messages, a second apart, from 1.0 on."""
    parser = SpeechParser(speech_dialect(api, fields))
    at = 0.0
    for message in messages:
        if message is STOP:
            parser.stopped = True
            continue
        at += 1.0
        parser.hear(message if isinstance(message, str | bytes) else json.dumps(message), at)
    parser.left = parser.closed(*close) if close else None
    return parser


def test_generic_partials_status_and_final():
    parser = listen(
        "generic",
        [
            {"type": "queue_status", "pending": 3},
            {"type": "partial", "text": "one"},
            {"type": "queue_status", "pending": 7},
            {"type": "partial", "text": "one two"},
            STOP,
            {"type": "final", "text": "one two three", "processing_ms": 120.5},
        ],
    )
    assert (parser.first_text_at, parser.final_at) == (2.0, 5.0)
    assert (parser.partials, parser.revisions, parser.pending_max) == (2, 0, 7)
    assert parser.processing_ms == 120.5
    assert parser.text == "one two three"
    assert parser.over
    assert parser.failure is None


def test_a_rewritten_word_is_a_revision_in_partials_and_in_the_final_result():
    messages = [{"type": "partial", "text": t} for t in ("recognise", "wreck a nice", "wreck a nice beach")]
    parser = listen("generic", [*messages, {"type": "final", "text": "recognise speech"}])
    assert parser.revisions == 2


def test_generic_fields_have_whatever_names_they_have():
    fields = "type=event,partial=Interim,final=Done,text=result.transcript,pending=queue.depth,status=Queue"
    parser = listen(
        "generic",
        [
            {"event": "Queue", "queue": {"depth": 4}},
            {"event": "Interim", "result": {"transcript": "a"}},
            {"event": "Done", "result": {"transcript": "a b"}},
        ],
        fields,
    )
    assert (parser.text, parser.partials, parser.pending_max, parser.final_at) == ("a b", 1, 4, 3.0)
    assert json.loads(speech_dialect("generic", "type=event,stop=End").stop()) == {"event": "End"}


@pytest.mark.parametrize("fields", ["txt=a", "text", "text=", "=a"])
def test_a_field_that_generic_does_not_have_is_refused(fields):
    with pytest.raises(ConfigError, match="--speech-fields"):
        speech_dialect("generic", fields)


def test_other_dialects_have_their_own_field_names():
    with pytest.raises(ConfigError, match="the field names of vosk are fixed"):
        speech_dialect("vosk", "text=a")


def test_funasr_adds_online_pieces_and_replaces_them_by_the_offline_segment():
    parser = listen(
        "funasr",
        [
            {"mode": "2pass-online", "text": "wel", "wav_name": "x", "is_final": False},
            {"mode": "2pass-online", "text": "come", "wav_name": "x", "is_final": False},
            {"mode": "2pass-offline", "text": "Welcome.", "wav_name": "x", "is_final": False},
            {"mode": "2pass-online", "text": "home", "wav_name": "x", "is_final": False},
            STOP,
            {"mode": "2pass-offline", "text": "Home.", "wav_name": "x", "is_final": False},
        ],
    )
    assert parser.text == "Welcome. Home."
    assert (parser.final_at, parser.partials, parser.revisions) == (5.0, 4, 2)


def test_funasr_offline_results_before_the_end_are_segments():
    assert listen("funasr", [{"mode": "offline", "text": "a", "is_final": False}]).final_at is None


def test_vosk_ends_with_its_last_text_when_it_closes():
    messages = [{"partial": ""}, {"partial": "one"}, {"text": "one two"}, STOP, {"text": "three"}]
    parser = listen("vosk", messages, close=(1000, ""))
    assert parser.left is None
    assert (parser.text, parser.first_text_at, parser.final_at) == ("one two three", 2.0, 4.0)
    assert (parser.partials, parser.revisions) == (2, 0)


def test_vosk_that_closes_before_our_end_was_cut_off():
    parser = listen("vosk", [{"text": "one"}], close=(1000, ""))
    assert parser.left[0] is E.TRUNCATED
    assert parser.final_at is None


@pytest.mark.parametrize("api", ["generic", "funasr", "vosk"])
@pytest.mark.parametrize("message", ["{", "[1]", "null", "3", b"\x00\x01\xff", ""])
def test_what_is_no_json_object_is_malformed(api, message):
    parser = listen(api, [message])
    assert parser.failure[0] is E.MALFORMED
    assert parser.over


@pytest.mark.parametrize("api", ["generic", "funasr", "vosk"])
@pytest.mark.parametrize("message", [{}, {"text": 3}, {"type": ["x"]}, {"partial": None}, {"type": "partial"}])
def test_objects_without_a_meaning_are_passed_over(api, message):
    parser = listen(api, [message])
    assert parser.failure is None
    assert parser.first_text_at is None


@pytest.mark.parametrize(
    ("api", "message", "error"),
    [
        ("generic", {"type": "error", "message": "no model"}, E.SERVER_ERROR_EVENT),
        ("generic", {"type": "error", "message": "overloaded, try later"}, E.OVERLOADED),
        ("generic", {"type": "error", "message": "rate limit reached"}, E.RATE_LIMITED),
        ("funasr", {"error": "no model"}, E.SERVER_ERROR_EVENT),
        ("vosk", {"error": "no model"}, E.SERVER_ERROR_EVENT),
    ],
)
def test_what_the_service_says_went_wrong(api, message, error):
    assert listen(api, [message]).failure == (error, message.get("message") or message["error"])


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (1000, E.TRUNCATED),
        (1001, E.TRUNCATED),
        (1006, E.TRUNCATED),
        (1003, E.SERVER_ERROR_EVENT),
        (1008, E.SERVER_ERROR_EVENT),
        (1009, E.SERVER_ERROR_EVENT),
        (1011, E.SERVER_ERROR_EVENT),
        (1012, E.OVERLOADED),
        (1013, E.OVERLOADED),
        (4429, E.RATE_LIMITED),
        (4000, E.SERVER_ERROR_EVENT),
    ],
)
def test_every_close_code_has_its_class(code, error):
    found, detail = classify_close(code, "because")
    assert found is error
    assert f"({code})" in detail
    assert detail.endswith("because")


# Services that have other habits than ours


@pytest.mark.parametrize(
    ("fields", "message", "seen"),
    [
        ("processing=decode_s:s", {"type": "final", "text": "a", "decode_s": 2.162}, (2162.0, None)),
        ("processing=stats.0.us:us", {"type": "final", "text": "a", "stats": [{"us": 1500}]}, (1.5, None)),
        ("processing=ms", {"type": "final", "text": "a", "ms": 12}, (12.0, None)),
        ("rtf=rtf", {"type": "final", "text": "a", "rtf": 0.257}, (None, 0.257)),
        ("rtf=rtf", {"type": "final", "text": "a", "rtf": "fast"}, (None, None)),
    ],
)
def test_a_processing_time_has_a_unit_and_a_factor_may_come_ready_made(fields, message, seen):
    parser = listen("generic", [message], fields)
    assert (parser.processing_ms, parser.rtf) == pytest.approx(seen)


def test_a_unit_that_there_is_not_is_refused():
    with pytest.raises(ConfigError, match="'min' is not a unit: use one of ms, s, us, ns"):
        speech_dialect("generic", "processing=decode:min")


def test_texts_lie_in_lists_and_a_boolean_settles_a_segment():
    def results(text, *, settled):
        return {"type": "Results", "is_final": settled, "channel": {"alternatives": [{"transcript": text}]}}

    parser = listen(
        "generic",
        [
            results("one", settled=False),
            results("one two", settled=True),
            results("three", settled=False),
            STOP,
            results("three four", settled=True),
            {"type": "Metadata"},
        ],
        "text=channel.alternatives.0.transcript,partial=Results,segment=is_final:true,final=Metadata",
    )
    assert (parser.text, parser.final_at, parser.partials) == ("one two three four", 5.0, 4)


def test_messages_without_a_type_are_told_apart_by_a_field():
    parser = listen(
        "generic",
        [{"text": "one", "state": "going"}, {"text": "one two", "state": "done"}],
        "partial=state:going,final=state:done",
    )
    assert (parser.text, parser.partials, parser.final_at) == ("one two", 1, 2.0)


def test_a_type_may_have_a_colon():
    parser = listen("generic", [{"type": "speech:final", "text": "a"}], "final=speech:final")
    assert parser.final_at == 1.0


def test_the_last_segment_is_the_final_result_where_the_service_ends_by_closing():
    messages = [{"text": "one", "final": True}, STOP, {"text": "two", "final": True}]
    parser = listen("generic", messages, "segment=final:true,final=close", close=(1000, ""))
    assert (parser.left, parser.text, parser.final_at) == (None, "one two", 2.0)


@pytest.mark.parametrize("message", [{"type": "error", "error": "unknown message"}, {"error": {"code": 7}}])
def test_a_refusal_in_words_that_we_do_not_know_is_shown_as_it_came(message):
    parser = listen("generic", [message])
    assert parser.failure == (E.SERVER_ERROR_EVENT, json.dumps(message))


def test_a_stream_in_which_vosk_heard_nothing_has_no_partial_result():
    parser = listen("vosk", [{"partial": ""}, STOP, {"text": ""}], close=(1000, ""))
    assert (parser.partials, parser.final_at) == (0, 2.0)


@pytest.mark.parametrize(
    ("given", "sent"),
    [(None, "usual"), ("none", None), ("NONE", None), ('{"id": "{request_id}"}', '{"id": "r7"}'), ("START", "START")],
)
def test_our_words_may_be_others_or_left_out(given, sent):
    assert own_words(given, "usual", "r7") == sent
