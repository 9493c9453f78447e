"""What summary.json says of conversations."""

import pandas as pd
import pytest

from documents import manifest_with
from katydid.analysis.derived import with_derived
from katydid.analysis.validity import Run
from katydid.model.sample import ErrorClass, Sample
from katydid.runs.rows import RowBuffer, decode, sample_schema
from katydid.workloads.session.analysis import session_summary

COLUMNS = {"turn": int, "room": str, "checked": str, "violated": str, "other_user": int, "answer_id": str}


def message(user, turn, *, answer_id=None, violated="", other=None, detail="", worker="local"):
    sample = Sample(f"{user}-{turn}", user, turn - 1, worker, "message", turn * 10.0, start_ms=turn * 10.0)
    sample.late_ms, sample.duration_ms = 0.0, 5.0
    sample.extra |= {"turn": turn, "checked": "isolation,independent_streams", "violated": violated}
    sample.extra |= {"other_user": other, "answer_id": answer_id or f"{user}-{turn}"}
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
