"""What a report says of a search for the capacity."""

import pandas as pd

from documents import capacity_found, manifest_with, summary_with
from katydid.analysis.capacity.estimate import capacity_answer
from katydid.report.capacity import capacity_section
from katydid.report.model import Material


def test_a_limiter_that_no_hold_saw_is_no_capacity():
    unseen = capacity_found(capacity=None, low=None, high=86.0, limiter_seen=False)
    assert capacity_answer(unseen).startswith("capacity not determined: no hold lasted two windows of the rate limiter")
    assert "86 users" in capacity_answer(unseen)
    assert capacity_answer(capacity_found(limiter_seen=True)) == "capacity 42 users (95 % interval 40 to 44)"


def test_a_stage_that_only_failures_broke_names_them_and_not_the_time_at_805_of_5000_ms():
    part = capacity_found(limiting="failures", method="isotonic", estimates=[42.0])
    section = capacity_section(
        Material(manifest_with(), summary_with({"capacity": part}), pd.DataFrame(), pd.DataFrame())
    )
    assert section.tables[0].texts("Result") == ["violated: failures"]
    assert any("First violated: failures." in text for text in section.text)
