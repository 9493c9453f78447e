"""Who leaves, and when: what a person writes, and whom the seed chooses."""

from types import SimpleNamespace

import pytest

from katydid.load.leaving import Leaving, LeavingOptions, read_leaving
from katydid.model.errors import ConfigError
from katydid.model.options.quantities import QuantityError


@pytest.mark.parametrize(
    ("text", "leaving"),
    [
        ("10%@2s", Leaving(0.1, seconds=2.0)),
        ("0.25@1m30s", Leaving(0.25, seconds=90.0)),
        ("100% @ 250ms", Leaving(1.0, seconds=0.25)),
        ("5%@3", Leaving(0.05, seconds=3.0)),
        ("10%@20chunks", Leaving(0.1, chunks=20)),
        ("1@1chunk", Leaving(1.0, chunks=1)),
    ],
)
def test_a_share_and_a_time_or_a_number_of_chunks(text, leaving):
    assert read_leaving(text) == leaving


@pytest.mark.parametrize(
    "text",
    [
        "", "10%", "@2s", "10%@", "2s@10%", "0%@2s", "101%@2s", "-1%@2s", "nan@2s", "10%@0s", "10%@-2s", "10%@0chunks",
        "10%@nan", "10%@inf", "10%@20 tokens", "10%@2s@3s", "ten@2s", "10%@2y", "10%@9999999999chunks", "10%@1e9",
    ],
)  # fmt: skip
def test_what_says_neither_is_refused(text):
    with pytest.raises(QuantityError):
        read_leaving(text)


def test_the_message_has_both_spellings():
    with pytest.raises(
        QuantityError, match=r"^'10%' is not SHARE@TIME or SHARE@CHUNKS, such as 10%@2s or 10%@20chunks"
    ):
        read_leaving("10%")


def chosen(leaving, seed):
    return [leaving.leaves(seed, user, iteration) for user in range(40) for iteration in range(50)]


def test_the_seed_chooses_them_and_the_same_again():
    tenth = Leaving(0.1, seconds=2.0)
    assert chosen(tenth, 7) == chosen(tenth, 7)
    assert chosen(tenth, 7) != chosen(tenth, 8)
    assert sum(chosen(tenth, 7)) == pytest.approx(200, abs=50), "a tenth of 2,000, ± 3.7 standard deviations"
    assert all(chosen(Leaving(1.0, seconds=2.0), 7))


def test_who_leaves_of_a_share_also_leaves_of_a_larger_one():
    less, more = chosen(Leaving(0.1, seconds=2.0), 7), chosen(Leaving(0.3, chunks=4), 7)
    assert all(larger for smaller, larger in zip(less, more, strict=True) if smaller)


@pytest.mark.parametrize("users", [(), (SimpleNamespace(may_leave=False, workload="speech"),)])
def test_who_cannot_leave_is_refused(users):
    with pytest.raises(ConfigError, match=r"^--abandon 10%@2s: .* not support it: omit the option"):
        LeavingOptions(abandon="10%@2s").check_leaving(*users)
    LeavingOptions().check_leaving(*users)
    LeavingOptions(abandon="10%@2s").check_leaving(SimpleNamespace(may_leave=True))
