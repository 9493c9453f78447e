"""What a run was made to find out is its headline, and the section that says it stands first."""

import pytest

import katydid.workloads  # noqa: F401 - registers ours
from documents import manifest_with, summary_with
from katydid.analysis.derived import with_derived
from katydid.analysis.headline import headline
from katydid.analysis.summary import summarise
from katydid.model.documents.summary import Outcome
from katydid.report.model import Material, Section
from katydid.report.run import render_run
from rows import MANIFEST, OK, monitor, samples

CHECK = {"asks": "of every answer", "examples": []}
CHECKS = [
    {"name": "no_mix_up", "passed": True, "count": 1000, "violations": 0, **CHECK},
    {"name": "isolation", "passed": None, "count": 0, "violations": 0, **CHECK},
]
NUMBERS = ("throughput_msg_per_sec", "latency_p50_ms", "latency_p95_ms", "latency_p99_ms", "wall_time_sec",
           "session_isolation", "room_occupancy", "crisis_detection")  # fmt: skip
SESSION = {"users": 5, "messages_per_user": 20, "total_messages": 100, "total_errors": 0,
           "too_few": [], "checks": {}, **dict.fromkeys(NUMBERS)}  # fmt: skip
RULE = {"name": "nobody was left", "passed": True, "value": "0", "limit": "0"}
STORM = {"clients": 2000, "accepted": 1000, "rejected": 1000, "failed_otherwise": 0}
CHAOS = {"outage_s": 3.217, "recovery_s": None, "failed_requests": 2}
FOUND = {
    "storm": ({"resilience": STORM, "checks": [RULE]}, "1,000 of 2,000 clients accepted, 1,000 rejected"),
    "chaos": (
        {"resilience": CHAOS, "checks": [RULE]},
        "outage 3.22 s, no recovery before the end, 2 streams failed",
    ),
    "zombies": (
        {"resilience": {"held": 50, "refused_or_dropped": 10}, "checks": [RULE]},
        "50 idle connections held to the end, 10 refused or dropped",
    ),
    "session": (
        {"session": SESSION, "checks": CHECKS},
        "no mix up held in 1,000 of 1,000; isolation could not be seen",
    ),
    "burst": ({"concurrency": {"verdict": "one at a time"}}, "concurrency: one at a time"),
    "speech": ({"metrics": {"rtf.mean": 5.3}}, "RTF 5.30 (mean of 99 streams): falls behind"),
}


@pytest.mark.parametrize("workload", FOUND)
def test_the_headline_is_the_answer(workload):
    keys, answer = FOUND[workload]
    found = headline(manifest_with(workload=workload), summary_with(keys))
    assert found.outcome is Outcome.PASSED
    assert found.text.startswith(f"PASSED: {answer}; 100 requests, 1 failed;")


def test_a_broken_rule_is_said_before_what_was_found():
    broken = {"resilience": STORM, "checks": [RULE | {"passed": False}]}
    found = headline(manifest_with(workload="storm"), summary_with(broken))
    assert found.outcome is Outcome.FAILED
    assert found.text.index("nobody was left") < found.text.index("1,000 of 2,000 clients accepted")


@pytest.mark.parametrize(
    ("workload", "keys"),
    [
        ("burst", {"concurrency": 3}),
        ("storm", {"resilience": {"accepted": 1}}),
        ("storm", {"resilience": STORM | {"rejected": "many"}}),
        ("chaos", {"resilience": {"outage_s": 1.0}}),
        ("zombies", {"resilience": {"held": None, "refused_or_dropped": 1}}),
    ],
)
def test_a_part_of_an_older_shape_or_a_damaged_one_has_no_answer(workload, keys):
    assert headline(manifest_with(workload=workload), summary_with(keys)).text.startswith("PASSED: 100 requests")


def test_times_of_different_loads_are_not_pooled_in_the_headline():
    """As a stream's are, which has no other answer."""
    metrics = {"ttft.p95": 300.0}
    assert "TTFT p95" in headline(manifest_with(workload="stream"), summary_with(metrics=metrics)).text
    swept = summary_with({"concurrency": {"verdict": "one at a time"}}, metrics=metrics)
    assert "TTFT p95" not in headline(manifest_with(workload="burst"), swept).text


@pytest.mark.parametrize("answer", [True, False])
def test_the_section_of_the_answer_stands_before_the_numbers_of_all_requests(answer):
    manifest, rows = manifest_with(MANIFEST), samples(OK, OK)
    material = Material(manifest, summarise(rows, monitor(10), manifest), with_derived(rows, manifest), monitor(10))
    page = render_run(material, [Section("found", "What was found", ["This."], answer=answer)])
    assert (page.index('id="found"') < page.index('id="believe"')) == answer
    assert (page.index('id="found"') < page.index('id="numbers"')) == answer
