"""The barrier that users wait behind, and come back to."""

import time
from types import SimpleNamespace

from katydid.engine.arrivals import Barrier
from katydid.load.pacing import Mode


def barrier(users):
    runtime = SimpleNamespace(
        is_worker=False, is_master=False, runner=None, info=SimpleNamespace(users=users),
        options=SimpleNamespace(mode=Mode.PACED), paced_users=lambda: [SimpleNamespace(release_delay=1.5)],
    )  # fmt: skip
    return Barrier(runtime)


def test_all_are_released_when_the_last_one_is_ready_and_again_when_all_are_back():
    gate = barrier(3)
    moments = []
    for said in (["a", "b", "c"], ["d", None, "e"]):
        for fact in said[:2]:
            gate.user_ready(fact)
        before = gate.released_at
        gate.user_ready(said[2])
        assert gate.released_at != before, "not before the last one"
        assert gate.released_at > time.monotonic()
        moments.append((gate.released_at, gate.roster))
    (first, roster), (second, again) = moments
    assert second > first
    assert (roster, again) == (["a", "b", "c"], ["d", "e"]), "what was said the time before is gone"
