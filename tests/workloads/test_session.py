"""What summary.json says of conversations."""

import msgspec
import pandas as pd
import pytest

from documents import manifest_with, summary_with
from katydid.analysis.derived import with_derived
from katydid.analysis.validity import Run
from katydid.model.sample import ErrorClass, Sample
from katydid.report.model import Material
from katydid.runs.rows import RowBuffer, decode, sample_schema
from katydid.workloads.session.analysis import session_summary
from katydid.workloads.session.section import session_section

COLUMNS = {
    "turn": int, "room": str, "checked": str, "violated": str, "other_user": int, "answer_id": str, "markers": int
}  # fmt: skip


def message(user, turn, *, answer_id=None, violated="", other=None, detail="", worker="local", name="message", **more):
    sample = Sample(f"{user}-{turn}", user, turn - 1, worker, name, turn * 10.0, start_ms=turn * 10.0)
    sample.late_ms, sample.duration_ms = 0.0, 5.0
    sample.extra |= {"turn": turn, "checked": "isolation,independent_streams", "violated": violated, "markers": 1}
    sample.extra |= {"other_user": other, "answer_id": answer_id or f"{user}-{turn}", **more}
    if violated:
        sample.fail(ErrorClass.ISOLATION, detail)
    return sample


def summary(*samples):
    rows = RowBuffer(sample_schema(COLUMNS))
    for sample in samples:
        rows.append(sample)
    frame = with_derived(decode(rows.drain()).to_pandas(), manifest_with())
    return session_summary(Run(frame, pd.DataFrame(), manifest_with(), None, (0.0, 1.0)))


def checks(found):
    return {check.name: check for check in found["checks"]}


def test_a_proper_run_passes_the_checks_that_were_made_and_names_no_others():
    found = summary(*(message(user, turn) for user in range(5) for turn in range(1, 21)))
    assert {name: check.passed for name, check in checks(found).items()} == {
        "isolation": True,
        "independent_streams": True,
    }
    session = found["session"]
    assert (session.users, session.messages_per_user, session.total_messages) == (5, 20, 100)
    assert (session.total_errors, session.session_isolation, session.crisis_detection) == (0, True, None)
    assert session.throughput_msg_per_sec == pytest.approx(100 / 0.195)
    assert (session.latency_p50_ms, session.too_few) == (5.0, ["p99"])


def test_a_violation_has_its_two_parties():
    bad = message(3, 2, violated="isolation", other=1, detail="user 3 was sent a text of user 1")
    found = summary(message(1, 1), bad, message(1, 2))
    check = checks(found)["isolation"]
    assert (check.passed, check.count, check.violations) == (False, 3, 1)
    (example,) = check.examples
    assert (example.user, example.other_user, example.turn, example.request_id) == (3, 1, 2, "3-2")
    assert found["session"].session_isolation is False


def test_an_answer_that_two_processes_were_given_is_found():
    found = summary(message(0, 1, answer_id="a", worker="worker-0"), message(1, 1, answer_id="a", worker="worker-1"))
    assert checks(found)["independent_streams"].violations == 1


def test_the_owner_of_a_crossed_answer_is_not_accused():
    crossed = message(1, 1, answer_id="a", violated="independent_streams", other=0, detail="crossed")
    found = summary(crossed, message(0, 1, answer_id="a"))
    assert checks(found)["independent_streams"].violations == 1
    assert checks(found)["independent_streams"].examples[0].user == 1


# What could not be seen


def test_a_check_that_never_saw_a_word_of_a_user_could_not_be_made():
    found = summary(*(message(user, turn, markers=0) for user in range(2) for turn in (1, 2)))
    assert {name: check.passed for name, check in checks(found).items()} == {
        "isolation": None,
        "independent_streams": True,  # the answers' ids tell
    }
    assert found["session"].session_isolation is None
    assert found["session"].checks["isolation"] is None


def test_one_answer_that_held_a_word_shows_that_others_would_have_been_seen():
    found = summary(message(0, 1, markers=0), message(1, 1))
    assert checks(found)["isolation"].passed is True


def test_answers_without_words_and_without_ids_tell_nothing_of_streams():
    found = summary(*(message(user, 1, markers=0, answer_id=None, checked="independent_streams") for user in (0, 1)))
    assert checks(found)["independent_streams"].passed is True
    nameless = [message(user, 1, markers=0) for user in (0, 1)]
    for sample in nameless:
        sample.extra["answer_id"] = None
    assert checks(summary(*nameless))["independent_streams"].passed is None


def test_a_violation_is_one_whatever_else_could_not_be_seen():
    found = summary(
        message(0, 1, markers=0, violated="independent_streams", detail="crossed"), message(1, 1, markers=0)
    )
    assert found["session"].session_isolation is False


def test_a_run_of_before_that_does_not_tell_how_many_words_there_were_keeps_its_checks():
    rows = RowBuffer(sample_schema({name: kind for name, kind in COLUMNS.items() if name != "markers"}))
    sample = message(0, 1)
    del sample.extra["markers"]
    rows.append(sample)
    frame = with_derived(decode(rows.drain()).to_pandas(), manifest_with())
    found = session_summary(Run(frame, pd.DataFrame(), manifest_with(), None, (0.0, 1.0)))
    assert checks(found)["isolation"].passed is True


# The report


def section_of(*samples):
    found = summary(*samples)
    return found["session"], session_section(
        Material(manifest_with(), summary_with(msgspec.to_builtins(found)), pd.DataFrame(), pd.DataFrame())
    )


def test_the_page_tells_the_percentiles_of_the_json():
    asides = [message(user, 1, name="members") for user in range(5)]
    for aside in asides:
        aside.duration_ms = 900.0
    slow = message(9, 1)
    slow.duration_ms = 400.0
    session, section = section_of(*(message(0, turn) for turn in range(1, 20)), slow, *asides)
    assert (session.latency_p50_ms, session.latency_p95_ms, session.latency_p99_ms) == (5.0, 5.0, 400.0)
    (told,) = [text for text in section.text if "Service time of messages" in text]
    assert "p50 5.00\u00a0ms" in told
    assert "p99 400\u00a0ms (too few)" in told


def test_percentiles_are_of_the_messages_that_count_and_were_answered_rightly():
    leaked = message(1, 1, violated="isolation", other=0, detail="leaked")
    leaked.duration_ms = 700.0
    session, _ = section_of(message(0, 1), leaked)
    assert session.latency_p99_ms == 5.0


def test_the_page_says_what_could_not_be_seen():
    _, section = section_of(*(message(user, 1, markers=0) for user in (0, 1)))
    table = section.tables[0]
    assert table.texts("Result") == ["inconclusive", "passed"]
    assert table.marked == []
    assert "inconclusive: isolation" in section.text[0].lower()
