"""What a report says of a search for the capacity."""

import pandas as pd

from documents import manifest_with, summary_with
from katydid.model.documents.capacity import CapacityFound, Step
from katydid.report.capacity import RESULT, capacity_section, capacity_sentence
from katydid.report.model import Material


def step(**more):
    return Step(
        **{
            "stage": 0, "users": 20, "purpose": "bracket", "ended": "time", "seconds": 10.0, "requests": 100, "ok": 90,
            "failed": 10, "offered_per_s": 10.0, "ok_per_s": 9.0, "sustained": 20.0, "keeps_up": True, "p50_ms": 700.0,
            "p95_ms": 805.0, "judged": {"duration.p95": 100}, "missed": {"duration.p95": 10},
            "broken": ("duration.p95",), "held": False, "missed_share": 0.1,
        } | more
    )  # fmt: skip


def found(**more):
    return CapacityFound(**{"capacity": 42.0, "low": 40.0, "high": 44.0, "at_least": False, "steps": [step()]} | more)


def test_a_limiter_that_no_hold_saw_is_no_capacity():
    unseen = found(capacity=None, low=None, high=86.0, limiter_seen=False)
    assert capacity_sentence(unseen).startswith(
        "Capacity: not determined: no hold lasted two windows of the rate limiter"
    )
    assert "86 users" in capacity_sentence(unseen)
    assert capacity_sentence(found(limiter_seen=True)) == "Capacity: 42 users (95 % interval 40 to 44)"


def test_a_stage_that_only_failures_broke_names_them_and_not_the_time_at_805_of_5000_ms():
    part = found(limiting="failures", method="isotonic", estimates=[42.0])
    section = capacity_section(
        Material(manifest_with(), summary_with({"capacity": part}), pd.DataFrame(), pd.DataFrame())
    )
    (row,) = section.tables[0].rows
    assert row[RESULT] == "broken: failures"
    assert any("First violated: failures." in text for text in section.text)
