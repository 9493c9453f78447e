"""Which runs of two sides were made side by side: by time, with what is invalid among them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from documents import manifest_with, summary_with
from katydid.analysis.comparison.estimates import RunData
from katydid.analysis.comparison.pairing import days_of, earlier_pairs, paired, partners_left_out

MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)


def run(name, at, *, valid=True, version="v"):
    """A run of a minute that began at that minute."""
    began = (MONDAY + timedelta(minutes=at)).isoformat(timespec="milliseconds")
    manifest = {"started_utc": began, "stopped_at_ms": 60_000.0, "version": version}
    summary = {"valid": valid, "partial": False, "counts": {"ok": 9, "failed": 0}, "invalid_reasons": ["slow"]}
    return RunData(name, manifest_with(manifest), pd.DataFrame(), summary_with(summary))


def made(order, *, minutes=2, invalid=()):
    """Runs `a1`, `b1` … in this order; the sides as they were made."""
    runs, counts = [], {"a": 0, "b": 0}
    for place, side in enumerate(order):
        counts[side] += 1
        name = f"{side}{counts[side]}"
        runs.append(run(name, place * minutes, valid=name not in invalid))
    return [[each for each in runs if each.path[0] == side] for side in "ab"]


def told(found):
    return [f"{base.path}{new.path}" for base, new in zip(found.base, found.new, strict=True)]


def test_runs_that_alternate_are_pairs():
    found = paired(*made("abbaab"))
    assert found.interleaved
    assert told(found) == ["a1b1", "a2b2", "a3b3"]


@pytest.mark.parametrize("bad", ["a2", "b2"])
def test_of_an_invalid_run_the_partner_is_left_out_and_the_other_pairs_stay(bad):
    found = paired(*made("abbaab", invalid=[bad]))
    assert found.interleaved
    assert told(found) == ["a1b1", "a3b3"]
    partner = {"a2": "b2", "b2": "a2"}[bad]
    assert [each.path for side in found.left for each in side] == [partner]
    assert partners_left_out(found)[0].endswith(
        f"{partner} is left out: no valid run of the other side was made beside it"
    )


def test_one_valid_pair_among_invalid_ones_is_a_pair_still():
    found = paired(*made("abbaabba", invalid=["a1", "b2", "a4", "b4"]))
    assert found.interleaved
    assert told(found) == ["a3b3"]


@pytest.mark.parametrize("order", ["aaabbb", "aabb", "bbbaaa"])
def test_blocks_are_not_interleaved(order):
    found = paired(*made(order))
    assert not found.interleaved
    assert (len(found.base), len(found.new)) == (order.count("a"), order.count("b"))


def test_pairs_are_recognised_by_time_and_not_by_order():
    """Base on Monday, new on Tuesday and Wednesday, base on Thursday."""
    day = 24 * 60
    assert not paired(*made("abba", minutes=day)).interleaved
    assert paired(*made("abba", minutes=10)).interleaved


def test_earlier_runs_of_the_base_are_no_partners_and_only_tell_the_noise():
    base, new = made("ab")
    earlier = [run(f"old{i}", -5000 - i) for i in range(3)]
    found = paired([*earlier, *base], new)
    assert told(found) == ["a1b1"]
    assert sorted(each.path for each in found.left[0]) == ["old0", "old1", "old2"]


def test_runs_without_a_time_are_not_interleaved():
    base, new = made("ab")
    base[0] = replace(base[0], manifest=manifest_with(version="v"))
    assert not paired(base, new).interleaved


def test_a_day_is_its_version_of_most_runs_and_a_version_of_two_days_two():
    day = 24 * 60
    one = [run(f"x{i}", i) for i in range(2)] + [run("late", day)]
    two = [run(f"y{i}", 30 + i, version="w") for i in range(3)]
    assert [[each.path for each in made] for made in days_of([one, two])] == [["y0", "y1", "y2"], ["late"]]


def versions(order, start=0, minutes=2):
    """Runs of versions that are called as their letters, in this order."""
    return [run(f"{name}{i}", start + i * minutes, version=name) for i, name in enumerate(order)]


def by_version(*runs):
    names = sorted({each.manifest.version for each in runs})
    return [[each for each in runs if each.manifest.version == name] for name in names]


def told_series(found):
    return [[f"{one.path}{other.path}" for one, other in series] for series in found]


def test_earlier_runs_that_were_interleaved_are_pairs_by_series():
    """A comparison of a and b, another day one of b and c, and runs that were made alone."""
    day = 24 * 60
    runs = [*versions("abbaab"), *versions("bccb", start=day), *versions("ddd", start=3 * day)]
    assert told_series(earlier_pairs(by_version(*runs))) == [["a0b1", "a3b2", "a4b5"], ["b0c1", "b3c2"]]


def test_the_same_two_versions_on_another_day_are_another_series():
    """Under the same names other builds may have been compared."""
    runs = [*versions("abba"), *versions("abba", start=24 * 60)]
    assert told_series(earlier_pairs(by_version(*runs))) == [["a0b1", "a3b2"], ["a0b1", "a3b2"]]
