"""What a search for the capacity is asked to do, of users and of rates."""

import pytest

from katydid.engine.options import RunOptions
from katydid.engine.stages.capacity_shape import CapacityOptions
from katydid.model.errors import ConfigError


def test_a_search_of_rates_is_one_of_the_users_who_would_offer_them():
    settings = CapacityOptions(search="rate", start_rate=2.0, max_rate=50.0).search_settings(RunOptions(interval=4.0))
    assert (settings.start, settings.max_users, settings.interval, settings.hold) == (8, 200, 4.0, 24.0)


def test_a_search_of_users_has_its_own_bounds():
    settings = CapacityOptions(start_users=3, max_users=30).search_settings(RunOptions(interval=4.0))
    assert (settings.start, settings.max_users) == (3, 30)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (RunOptions(rate=5.0), "--rate: search for it with --search rate"),
        (RunOptions(interval=0.0), "a closed loop has no capacity: give an --interval"),
    ],
)
def test_loads_that_are_fixed_are_not_searched(options, message):
    with pytest.raises(ConfigError, match=message):
        CapacityOptions().search_settings(options)
