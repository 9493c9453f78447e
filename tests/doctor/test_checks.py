"""What a machine must have for a run of a given size, and what is said where it has not."""

from dataclasses import replace

import pytest

from katydid.doctor.checks import CHECKS, PlannedRun, examine, spoils
from katydid.doctor.facts import Facts, usable_descriptors
from katydid.transport.timing import Timing

GOOD_TIMING = Timing(
    resolution_ns=50, late_p50=0.1, late_p99=0.5, clock_step=0.01, busy=0.05, steal=0.0, stamped=1.0, stamp_age=0.006
)
GOOD = Facts(
    system="Linux 6.1", python="3.12.1", katydid="1.0", locust="2.47.0", descriptors=10_000, soft=1024, hard=524_288,
    ports=(32_768, 60_999), time_wait=0, cores=4, quota=None, memory_bytes=8 * 1024**3, time_source="tsc",
    compiled=True,
    timing=GOOD_TIMING,
)  # fmt: skip
PLAN = PlannedRun(users=1000, interval=20.0, processes=1)


def statuses(facts, plan=PLAN):
    """What is not ok: check → status."""
    return {check.name: check.status for check in examine(facts, plan) if check.status != "ok"}


def timing(**changes):
    return replace(GOOD, timing=replace(GOOD_TIMING, **changes))


def test_a_good_machine_has_nothing_to_complain_of():
    assert statuses(GOOD) == {}
    assert not spoils(examine(GOOD, PLAN))


@pytest.mark.parametrize(
    ("facts", "plan", "expected"),
    [
        (replace(GOOD, descriptors=1049), PLAN, {"descriptors": "bad"}),
        (replace(GOOD, descriptors=1050), PLAN, {}),
        (replace(GOOD, descriptors=550), replace(PLAN, processes=2), {}),  # 500 users each
        (replace(GOOD, descriptors=None), PLAN, {}),
        (replace(GOOD, ports=(1024, 2000)), PLAN, {"ports": "bad"}),
        (replace(GOOD, time_wait=27_500), PLAN, {"ports": "bad"}),
        (replace(GOOD, ports=(1000, 2999)), PLAN, {"ports": "warning"}),  # 50 starts a second, 60 s each
        (replace(GOOD, ports=None), PLAN, {}),
        (GOOD, replace(PLAN, processes=5), {"cores": "bad", "load": "warning"}),
        (replace(GOOD, quota=0.5), PLAN, {"cores": "bad"}),
        (replace(GOOD, quota=1.0), PLAN, {}),
        (timing(busy=0.9), PLAN, {"load": "warning"}),
        (timing(steal=0.05), PLAN, {"load": "warning"}),
        (timing(steal=0.2), PLAN, {"load": "bad"}),
        (replace(GOOD, memory_bytes=200 * 1024**2), PLAN, {"memory": "bad"}),
        (timing(stamped=0.0, stamp_age=None), PLAN, {"kernel timestamps": "warning"}),
        (timing(stamped=0.5), PLAN, {"kernel timestamps": "warning"}),
        (timing(resolution_ns=1_000_000), PLAN, {"monotonic clock": "warning"}),
        (replace(GOOD, time_source="hpet"), PLAN, {"monotonic clock": "warning"}),
        (replace(GOOD, compiled=False), PLAN, {"reader": "warning"}),
        (timing(clock_step=-40.0), PLAN, {"wall clock": "warning"}),
        (timing(late_p99=6.0), PLAN, {"timers": "warning"}),
        (timing(late_p99=51.0), PLAN, {"timers": "bad"}),
        (GOOD, PlannedRun(users=1000, interval=0.1), {"planned rate": "warning", "ports": "warning"}),
        (replace(GOOD, locust="2.50.1"), PLAN, {"versions": "warning"}),
        (replace(GOOD, locust=None), PLAN, {"versions": "warning"}),
    ],
)
def test_what_is_missing_is_named(facts, plan, expected):
    assert statuses(facts, plan) == expected
    assert spoils(examine(facts, plan)) == ("bad" in expected.values())


def test_whoever_complains_says_what_to_do():
    poor = replace(
        GOOD, descriptors=10, ports=(1, 2), quota=0.1, memory_bytes=1, time_source="hpet", compiled=False, locust="1",
        timing=Timing(resolution_ns=10**7, late_p50=9, late_p99=99, clock_step=99, busy=1, steal=0.5, stamped=0.0,
                      stamp_age=None),
    )  # fmt: skip
    done = examine(poor, PlannedRun(users=10**6, interval=1.0))
    assert {check.name for check in done if check.status != "ok"} == {check.name for check in CHECKS}
    assert all(check.remedy and check.limit and check.why and check.blame for check in done)


@pytest.mark.parametrize(
    ("soft", "hard", "usable"),
    [
        (64, 64, 64),
        (1024, 4096, 1024),  # Locust asks for 10,000, and is refused
        (1024, 524_288, 10_000),
        (20_000, 20_000, 20_000),
        (1024, None, 10_000),
        (None, None, None),
    ],
)
def test_locust_raises_the_limit_of_open_files_where_it_may(soft, hard, usable):
    assert usable_descriptors(soft, hard) == usable
