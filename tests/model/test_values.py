"""Counts and amounts that others wrote, as columns hold them."""

import pytest

from katydid.model.values import amount, whole

WHOLE = [
    (0, 0),
    (7, 7),
    (7.0, 7),
    (2**63 - 1, 2**63 - 1),
    (2**63, None),
    (2**64 - 1, None),
    (2.0**63, None),
    (10**400, None),
    (1e300, None),
    (-1, None),
    (-0.5, None),
    (12.5, None),
    (float("nan"), None),
    (float("inf"), None),
    (True, None),
    (False, None),
    ("12", None),
    ("n/a", None),
    ([1], None),
    ({"n": 1}, None),
    (None, None),
]


@pytest.mark.parametrize(
    ("written", "kept"), WHOLE, ids=lambda value: f"{value:.3g}" if isinstance(value, float) else str(value)[:24]
)
def test_a_count_is_a_whole_number_that_fits(written, kept):
    assert whole(written) == kept
    assert type(whole(written)) in {int, type(None)}


@pytest.mark.parametrize("written", [0, 7, 12.5, 1e300, 2**63, 2**64 - 1])
def test_an_amount_is_any_finite_number_that_is_not_negative(written):
    assert amount(written) == float(written)


@pytest.mark.parametrize("written", [-1, -0.5, float("nan"), float("inf"), 10**400, True, "12", "n/a", [1], {}, None])
def test_what_is_not_an_amount_is_none(written):
    assert amount(written) is None
