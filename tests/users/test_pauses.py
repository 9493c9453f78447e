"""Garbage collections are rare while a run goes on, and as before afterwards."""

import gc

from katydid.users.pauses import THRESHOLDS, RareCollections


def test_collections_are_rare_until_the_run_ends():
    before, frozen = gc.get_threshold(), gc.get_freeze_count()
    rare = RareCollections()
    assert gc.get_threshold() == THRESHOLDS
    assert gc.get_freeze_count() > frozen
    rare.end()
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0
