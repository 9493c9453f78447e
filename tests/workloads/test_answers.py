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
TURN = {"turn": 1, "last_turn": 1, "requests": 10, "ok": 10, "failed": 0, **dict.fromkeys(("history_tokens",
        "prompt_tokens", "cached_share", "ttft_p90_ms", "think_ms")), "ttft_p50_ms": 50.0}  # fmt: skip
CHAT = {"conversations": 10, "completed": 9, "failed": 1, "aborted": 0, "abandoned": 0, "turns_mean": 3.0,
        "history": []}  # fmt: skip
FEW = {"in_flight_low": 1, "in_flight_high": 1, "conversations": 100, "right": 100, "share": 1.0, "low": 0.96,
       "high": 1.0}  # fmt: skip
FOUND = {
    "storm": ({"resilience": STORM, "checks": [RULE]}, "1,000 of 2,000 clients accepted, 1,000 rejected"),
    "chaos": (
        {"resilience": CHAOS, "checks": [RULE]},
        "outage 3.22 s, no recovery before the end, 2 streams failed",
    ),
    "zombies": (
        {"resilience": {"held": 50, "refused_or_dropped": 10}, "checks": [RULE]},
        "50 idle connections held to the end, 10 rejected or dropped",
    ),
    "session": (
        {"session": SESSION, "checks": CHECKS},
        "no mix up passed in 1,000 of 1,000; isolation inconclusive",
    ),
    "session, many checks": (
        {"session": SESSION, "checks": [*CHECKS, *({**CHECKS[0], "name": f"check_{n}"} for n in range(3))]},
        "no mix up passed in 1,000 of 1,000; 3 more checks passed; isolation inconclusive",
    ),
    "chat": (
        {"chat": CHAT | {"turns": [TURN, TURN | {"turn": 2, "last_turn": 4, "ttft_p50_ms": 250.0}]}},
        "9 of 10 conversations completed; TTFT p50 50.0\u00a0ms in turn 1, 250\u00a0ms in turn 2 to 4",
    ),
    "tools": (
        {"correctness": [FEW, FEW | {"right": 40, "low": 0.2, "high": 0.5}]},
        "140 of 200 conversations correct; the load makes answers wrong",
    ),
    "tools, all right": ({"correctness": [FEW]}, "100 of 100 conversations correct"),
    "burst": ({"concurrency": {"verdict": "one at a time"}}, "concurrency: one at a time"),
    "speech": ({"metrics": {"rtf.mean": 5.3}}, "RTF 5.30 (mean of 99 streams): falls behind"),
}


@pytest.mark.parametrize("workload", FOUND)
def test_the_headline_is_the_answer(workload):
    keys, answer = FOUND[workload]
    found = headline(manifest_with(workload=workload.partition(",")[0]), summary_with(keys))
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
