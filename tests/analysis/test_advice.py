"""What a sweep, a search and a run at one load advise: from evidence alone, with numbers where it has them."""

import pytest

import katydid.workloads  # noqa: F401 - records of them
from documents import capacity_found, manifest_with, summary_with
from katydid.analysis.advice import advice
from katydid.analysis.capacity.holds import HoldResult
from katydid.analysis.derived import with_derived
from katydid.analysis.summary import summarise
from katydid.report.build import sections
from katydid.report.capacity import capacity_section
from katydid.report.model import Material
from katydid.runs.rows import TARGET
from rows import FAILED, OK, monitor, samples, started, steady

BROKEN = {"broken": ("duration.p95",)}


def hold(users, **more):
    plain = {
        "stage": 0, "purpose": "", "ended": "time", "seconds": 10.0, "requests": 1, "ok": 1, "failed": 0,
        "offered_per_s": users / 5, "ok_per_s": users / 5, "sustained": 1.0, "keeps_up": True, "p50_ms": 200.0,
        "p95_ms": None, "judged": {}, "missed": {}, "broken": (),
    }  # fmt: skip
    return HoldResult(users=users, **plain | more)


STAGES = [hold(50), hold(100, p50_ms=400.0), hold(200, **BROKEN)]


def test_a_queue_is_answered_with_as_many_slots_as_the_largest_load_keeps_busy():
    told = advice("concurrency", STAGES, {})
    assert told.startswith("Beyond 100 users: ")
    assert "200 users takes 12 slots" in told, "40 requests/s × 0.2 s under little load / 0.7"
    assert "katydid plan --concurrency 40 --rtf 0.2" in told


def test_at_rates_it_speaks_of_rates():
    told = advice("concurrency", [hold(5, rate_per_s=1.0), hold(200, rate_per_s=40.0, **BROKEN)], {})
    assert told.startswith("Beyond 1 request/s: ")
    assert "serving 40 requests/s takes" in told


def test_who_knows_the_limit_names_it():
    assert advice("network", STAGES, {}, limit="113.8 users").startswith("Beyond 113.8 users: ")
    assert advice("network", [hold(200, **BROKEN)], {}).startswith("At 200 users: ")


@pytest.mark.parametrize(
    ("machine", "target", "words"),
    [
        (95.3, 40.0, ["all of the machine's cores", "the machine's CPU was at 95.3"]),
        (30.0, 99.0, ["more worker processes", "the target's CPU was at 99"]),
        (30.0, 350.0, ["faster processors", "the target's CPU was at 350"]),
    ],
)
def test_a_full_processor_is_named_and_what_to_add(machine, target, words):
    told = advice("compute", STAGES, {"machine_cpu_percent": machine, "target_cpu_percent": target})
    assert all(each in told for each in words)
    assert told.count("CPU") == 1
    assert "CPU was at" in advice("not determined", STAGES, {"target_cpu_percent": target, "machine_cpu_percent": 95.3})


def test_where_nobody_knows_why_or_nothing_broke_no_advice_is_invented():
    assert advice("not determined", STAGES, {"machine_cpu_percent": 20.0}) is None
    assert advice("rate limit", [hold(100)], {"machine_cpu_percent": 99.0}) is None


TIMED_OUT = FAILED | {"error": "timeout"}


def searched(failing, watched):
    """A search with two holds, of which in the second a part times out."""
    rows = [
        started(
            stage * 20_000.0 + second * 1000.0 + user,
            base=TIMED_OUT if stage and user < failing else OK,
            stage=stage, user=user, iteration=second,
        )
        for stage, users in enumerate((10, 20)) for second in range(10) for user in range(users)
    ]  # fmt: skip
    stages = [
        {
            "stage": n, "users": users, "begin_ms": n * 20_000.0, "settled_ms": n * 20_000.0,
            "end_ms": n * 20_000.0 + 1e4, "purpose": "measure 1",
        }
        for n, users in enumerate((10, 20))
    ]  # fmt: skip
    told = {
        "workload": "capacity-stream", "plan": "capacity", "interval_s": 1.0, "stages": stages, "ended": "run-time",
        "objective": [{"metric": "failure_rate", "allowed": 0.05}],
    }  # fmt: skip
    return summarise(samples(*rows), watched, manifest_with(told)).capacity


def test_a_search_names_the_processor_that_was_full_beyond_its_capacity():
    watched = monitor(35, process=TARGET, cpu_percent=99.0)
    found = searched(failing=10, watched=watched)
    assert found.limited_by == "compute"
    assert found.advice.startswith("Beyond ")
    assert "the target's CPU was at 99" in found.advice


def test_the_advice_stands_on_the_page_of_a_capacity():
    found = capacity_found(advice="Beyond 42 users: do this.", limited_by="rate limit", evidence="9 × rate_limited")
    section = capacity_section(Material(manifest_with(), summary_with(capacity=found), None, None))
    assert any(text.endswith("Beyond 42 users: do this.") for text in section.text)


REFUSED = FAILED | {"error": "rate_limited", "blame": "target", "status": 429}


@pytest.mark.parametrize(
    ("workload", "options", "words"),
    [
        ("stream", {}, "`Retry-After`"),
        ("session", {}, "more keys"),
        ("batch", {"on_429": "backoff"}, "Backoff alone was not enough"),
        ("burst", {}, None),
        ("storm", {}, None),
    ],
)
def test_a_run_at_one_load_that_met_a_rate_limit_says_so_unless_that_was_its_purpose(workload, options, words):
    rows = [*steady(30), *(started(1000.0 * n + 500.0, base=REFUSED) for n in range(20))]
    manifest = manifest_with(workload=workload, options=options, ended="run-time")
    summary = summarise(samples(*rows), monitor(), manifest)
    assert (summary.limited_by == "rate limit") is bool(words)
    assert (words or "") in (summary.advice or "")
    if words:
        frame = with_derived(samples(*rows), manifest)
        first = next(s for s in sections(Material(manifest, summary, frame, monitor())) if s.key == "limit")
        assert first.answer
        assert "20 × rate_limited of 20 failures" in first.text[0]
        assert first.text[1] == summary.advice


def test_failures_that_are_no_refusals_are_no_rate_limit():
    rows = [*steady(30), *(started(1000.0 * n + 500.0, base=FAILED) for n in range(20))]
    summary = summarise(samples(*rows), monitor(), manifest_with(workload="stream", ended="run-time"))
    assert (summary.limited_by, summary.advice) == (None, None)
