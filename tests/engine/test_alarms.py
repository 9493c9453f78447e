"""What is said while a run goes on: of the generator, and of users that cannot keep their interval."""

import pytest

from batches import monitor_rows, rows
from katydid.engine.live.alarms import Alarms

SECOND = 1000.0


def course(*, late_ms, duration_ms, users=5, iterations=8):
    """Requests of users with an interval of 2 s, in the order of their ends."""
    return [
        {"user": user, "iteration": i, "scheduled_ms": i * 2 * SECOND, "late_ms": late_ms if i else 0.0,
         "start_ms": i * 2 * SECOND + (late_ms if i else 0.0), "duration_ms": duration_ms}
        for i in range(iterations) for user in range(users)
    ]  # fmt: skip


def seconds(cpu, count=8, **more):
    return [{"at_ms": (3 + i) * SECOND, "cpu_percent": cpu, **more} for i in range(count)]


@pytest.fixture
def alarms():
    return Alarms(2.0, full_load=True)


def test_a_calm_run_raises_none(alarms):
    assert alarms.add("samples", rows(*course(late_ms=5.0, duration_ms=800.0))) == []
    assert alarms.add("monitor", monitor_rows(*seconds(60.0))) == []


def test_late_starts_of_free_users_are_the_generators(alarms):
    (told,) = alarms.add("samples", rows(*course(late_ms=120.0, duration_ms=800.0)))
    assert told.startswith("The generator is late: it started 35 of 35 requests after they were due, although")
    assert told.endswith("spread the users with --processes, and keep other work off this machine")


def test_requests_that_were_sent_again_were_punctual_the_first_time(alarms):
    again = [row | {"resent": True} for row in course(late_ms=120.0, duration_ms=800.0)]
    assert alarms.add("samples", rows(*again)) == []


def test_late_starts_of_busy_users_are_the_loads(alarms):
    (told,) = alarms.add("samples", rows(*course(late_ms=500.0, duration_ms=2300.0)))
    assert told.startswith("Users are late: answers take longer than the interval of 2 s, so 35 of 35 requests")
    assert told.endswith("raise --interval, or ask for fewer users")


def test_a_search_overloads_the_target_on_purpose():
    searching = Alarms(2.0, full_load=False)
    assert searching.add("samples", rows(*course(late_ms=500.0, duration_ms=2300.0))) == []


def test_further_requests_of_an_iteration_are_due_when_their_users_get_to_them(alarms):
    followed = [request | {"late_ms": 900.0} for request in course(late_ms=0.0, duration_ms=100.0, users=1)]
    both = [row for request in course(late_ms=0.0, duration_ms=100.0, users=1) for row in (request, followed.pop(0))]
    assert alarms.add("samples", rows(*both)) == []


@pytest.mark.parametrize("size", [1, 2, 7, 20])
def test_how_requests_come_in_batches_changes_nothing(size):
    """Two requests per iteration, of which the second has no due time of its own and keeps its user busy."""
    first = course(late_ms=900.0, duration_ms=600.0, iterations=5)  # 20 starts that count: the fewest for an alarm
    second = [row | {"start_ms": row["start_ms"] + 600.0, "duration_ms": 1_500.0} for row in first]
    requests = sorted([*first, *second], key=lambda row: row["start_ms"] + row["duration_ms"])
    in_parts, at_once = Alarms(2.0, full_load=True), Alarms(2.0, full_load=True)
    said = [
        text for i in range(0, len(requests), size) for text in in_parts.add("samples", rows(*requests[i : i + size]))
    ]
    assert said == at_once.add("samples", rows(*requests))
    assert "20 of 20 requests started after the due time" in said[0]


def test_requests_of_other_users_are_left_out(alarms):
    others = [row | {"user": -1} for row in course(late_ms=900.0, duration_ms=800.0)]
    assert alarms.add("samples", rows(*others)) == []


def test_without_an_interval_nobody_is_late():
    kinds = ("samples", "monitor", "events")
    assert [kind for kind in kinds if Alarms(0.0, full_load=True).wants(kind)] == ["monitor"]
    assert [kind for kind in kinds if Alarms(2.0, full_load=True).wants(kind)] == ["samples", "monitor"]


@pytest.mark.parametrize(
    ("load", "said"),
    [
        ({"cpu": 97.0}, "it needs 97 % of a core, so measured times may be its own, not the target's: spread"),
        ({"cpu": 30.0, "cpu_wait_percent": 65.0}, "core, so measured times may be its own, not the target's: end"),
    ],
)  # fmt: skip
def test_a_generator_at_its_limit_is_told_with_the_remedy(alarms, load, said):
    (told,) = alarms.add("monitor", monitor_rows(*seconds(**load)))
    assert said in told


def test_starting_up_and_the_target_itself_may_be_busy(alarms):
    starting = [{"at_ms": 100.0 * i, "cpu_percent": 100.0} for i in range(15)]
    assert alarms.add("monitor", monitor_rows(*starting, *seconds(100.0, process="target"))) == []


def test_each_is_said_once(alarms):
    busy = monitor_rows(*seconds(97.0))
    assert len(alarms.add("monitor", busy)) == 1
    assert alarms.add("monitor", busy) == []
