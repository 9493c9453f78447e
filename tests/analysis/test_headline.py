"""A run in one sentence: the first outcome that holds, why, and whose fault; the exit code that follows."""

import pytest

import katydid.workloads  # noqa: F401 - their parts of a summary
from documents import manifest_with, summary_with
from katydid.analysis.configuration import CONFIG_STATUSES
from katydid.analysis.headline import exit_code, headline_details, headline_of
from katydid.analysis.summary import summarise
from katydid.model.documents.summary import Headline, Outcome
from katydid.model.errors import ExitCode
from rows import ABORTED, FAILED, MANIFEST, OK, monitor, samples, steady

HOST = {"host": "http://127.0.0.1:8000/v1"}
REFUSED = FAILED | {"error": "http_4xx", "status": 404, "detail": "404 Not Found", "name": "/v1/chat/completions"}
NO_ANSWER = FAILED | {"error": "timeout", "status": None, "detail": "nothing for 60 s"}
DNS = FAILED | {"error": "dns", "blame": "config", "status": None, "detail": "Name or service not known"}


def summary_of(*rows, **manifest):
    told = MANIFEST | HOST | {"stopped_at_ms": max(len(rows), 1) * 1000.0} | manifest
    return manifest_with(told), summarise(samples(*rows), monitor(10), manifest_with(told))


def headline(*rows, **manifest):
    return headline_of(*summary_of(*rows, **manifest))


def rows(*bases):
    """A second apart, of one user."""
    return [base | {"scheduled_ms": i * 1000.0, "start_ms": i * 1000.0, "iteration": i} for i, base in enumerate(bases)]


STOPPED = {"ended": "failure-threshold", "failure_threshold": 5}


@pytest.mark.parametrize(
    ("bases", "manifest", "outcome", "code"),
    [
        ([OK] * 10, {}, Outcome.PASSED, 0),
        ([OK, FAILED] * 5, {}, Outcome.PASSED, 0),
        ([OK, FAILED] * 5, STOPPED, Outcome.STOPPED, 0),
        ([FAILED] * 5, STOPPED, Outcome.FAILED, 1),
        ([FAILED] * 10, {}, Outcome.FAILED, 1),
        ([REFUSED] * 10, {}, Outcome.FAILED, 1),
        ([OK] * 10, {"ended": "interrupted"}, Outcome.INTERRUPTED, 130),
        ([FAILED] * 10, {"ended": "interrupted"}, Outcome.FAILED, 1),
        ([OK] * 10, {"ended": None, "partial": True}, Outcome.INTERRUPTED, 0),
        ([OK] * 10, {"lost_workers": ["w1"]}, Outcome.INVALID, 4),
        ([FAILED] * 10, {"lost_workers": ["w1"]}, Outcome.INVALID, 4),
        ([OK] * 10, {"lost_workers": ["w1"], "ended": "interrupted"}, Outcome.INVALID, 4),
        ([DNS] * 10, {}, Outcome.INVALID, 4),
        ([], {}, Outcome.INVALID, 4),
        ([], {"ended": "interrupted"}, Outcome.INVALID, 4),
        ([ABORTED] * 4, {}, Outcome.INVALID, 4),
        ([OK, ABORTED], {"ended": "error"}, Outcome.INVALID, 4),
    ],
)
def test_the_first_outcome_that_holds_and_its_exit_code(bases, manifest, outcome, code):
    _, summary = summary_of(*rows(*bases), **manifest)
    assert summary["headline"]["outcome"] == outcome
    assert summary["headline"]["text"].startswith(outcome.upper())
    assert exit_code(summary) == code


def test_what_an_interruption_cut_off_makes_a_run_invalid_and_its_code_is_that_of_the_interruption():
    _, summary = summary_of(*rows(OK, ABORTED), ended="interrupted")
    assert (summary["headline"]["outcome"], exit_code(summary)) == ("invalid", ExitCode.INTERRUPTED)


@pytest.mark.parametrize("workload", ["session", "chaos", "mine"])
def test_a_check_that_failed_is_a_failed_run_and_named(workload):
    manifest, summary = summary_of(*rows(*[OK] * 10), workload=workload)
    checks = [
        {"name": "isolation", "passed": False, "violations": 2},
        {"name": "it recovered", "passed": False},
        {"name": "own_history", "passed": True},
        {"name": "the normal load afterwards", "passed": None},
    ]
    summary = summary.added(headline=None, checks=checks)
    told = headline_of(manifest, summary)
    assert told.outcome is Outcome.FAILED
    assert "2 of 4 checks failed: isolation (2 violations), it recovered;" in told.text
    assert exit_code(summary) == ExitCode.GATE_FAILED
    checks[0]["passed"] = checks[1]["passed"] = True
    assert headline_of(manifest, summary.added(checks=checks)).outcome is Outcome.PASSED


def test_the_sentences():
    told = {
        name: headline(*rows(*bases), **manifest).text
        for name, (bases, manifest) in {
            "passed": ([OK] * 10, {}),
            "stopped": ([OK, FAILED] * 5, STOPPED),
            "interrupted": ([OK] * 10, {"ended": "interrupted"}),
            "configuration": ([REFUSED] * 5, {}),
            "target": ([FAILED] * 5, {}),
            "generator": ([OK] * 10, {"lost_workers": ["w1"]}),
            "aborted": ([OK, ABORTED], {}),
            "unknown host": ([DNS] * 5, {}),
        }.items()
    }
    assert told == {
        "passed": "PASSED: 10 requests, 0 failed, TTFT p50 100\u00a0ms; run time reached.",
        "stopped": "STOPPED at the 5th failure after 10 s with 1 user: 10 requests, 5 failed.",
        "interrupted": "INTERRUPTED after 10 s: 10 requests, 0 failed, TTFT p50 100\u00a0ms.",
        "configuration": "FAILED: no request succeeded (404 at /v1/v1/chat/completions: check --host and --endpoint); "
        "5 requests, 5 failed, run time reached.",
        "target": "FAILED: no request succeeded (overloaded: busy, the target's fault); 5 requests, 5 failed, "
        "run time reached.",
        "generator": "INVALID (the generator's fault): 1 worker was lost.",
        "aborted": "INVALID (the configuration's fault): the end of the run aborted 1 of 2 requests.",
        "unknown host": "INVALID (the configuration's fault): requests failed because of the configuration.",
    }


def test_only_an_invalid_run_has_details_beside_its_headline():
    assert headline_details(*summary_of(*rows(*[OK] * 10))) == []
    assert headline_details(*summary_of(*rows(*[OK] * 10), lost_workers=["w1"], ended="error")) == [
        "1 more reason below",
        "10 requests, 0 failed, TTFT p50 100\u00a0ms",
        "aborted by an error after 10 s",
    ]


def test_successes_of_the_warm_up_alone_are_said_to_be_that():
    told = headline(*rows(OK | {"warm_up": True}, FAILED, FAILED), warm_up_s=1.0)
    assert told.outcome is Outcome.FAILED
    assert "no request succeeded after the warm-up (" in told.text


def test_a_run_without_requests_whose_workers_were_lost_is_the_generators_fault():
    told = headline(*rows(), lost_workers=["w1", "w2"])
    assert told.text.startswith("INVALID (the generator's fault): 2 workers were lost")


# The configuration's fault


@pytest.mark.parametrize("status", sorted(CONFIG_STATUSES))
def test_a_refusal_of_how_it_was_asked_on_every_request_is_the_configurations(status):
    refusal = REFUSED | {"status": status, "detail": f"{status} no"}
    _, summary = summary_of(*rows(*[refusal] * 3, NO_ANSWER))
    errors = {row["error"]: row for row in summary["errors"]}
    assert (errors["http_4xx"]["blame"], errors["http_4xx"]["status"]) == ("config", status)
    assert errors["http_4xx"]["check"].startswith("check ")
    assert (errors["timeout"]["blame"], errors["timeout"]["check"]) == ("target", None)
    assert errors["http_4xx"]["check"] in summary["headline"]["text"]
    assert summary["valid"], "what failed is known, and it was measured"


@pytest.mark.parametrize(
    "other",
    [
        OK | {"status": 200},
        OK | {"status": 200, "warm_up": True},
        OK | {"status": 200, "after_stop": True},
        FAILED | {"status": 503},
        FAILED | {"status": 429, "error": "rate_limited"},
        ABORTED | {"status": 200},
        FAILED | {"status": 200, "error": "truncated"},
    ],
)
def test_where_any_other_answer_came_refusals_are_the_targets(other):
    _, summary = summary_of(*rows(*[REFUSED] * 3, other))
    (refused,) = [row for row in summary["errors"] if row["error"] == "http_4xx"]
    assert (refused["blame"], refused["check"]) == ("target", None)


@pytest.mark.parametrize(
    ("status", "detail", "asks"),
    [
        (401, "401 Incorrect API key provided", "LOAD_TEST_API_KEY"),
        (403, "403", "LOAD_TEST_API_KEY"),
        (404, "404 page not found", "--host"),
        (404, "404 The model `x` does not exist", "--model"),
        (405, "405 Method Not Allowed", "--endpoint"),
        (400, "400 Unsupported parameter: 'max_tokens'", "body"),
        (400, "400 model is required", "--model"),
        (415, "415 Unsupported Media Type", "--api"),
        (422, "422 Field required", "body"),
    ],
)
def test_it_says_what_to_check(status, detail, asks):
    told = headline(*rows(*[REFUSED | {"status": status, "detail": detail}] * 2))
    assert asks in told.text


def test_what_limited_the_run_does_not_contradict_it():
    stage = {"stage": 0, "users": 1, "begin_ms": 0.0, "settled_ms": 0.0, "end_ms": 10_000.0}
    staged = {"plan": "stages", "stages": [stage], "objective": [{"metric": "failure_rate", "allowed": 0.01}]}
    for base in (REFUSED, DNS):
        _, summary = summary_of(*rows(*[base] * 10), workload="stages-batch", **staged)
        assert summary["limited_by"] == "configuration", base
        assert summary["recommended"]["low"] == 0
    _, summary = summary_of(*rows(*[REFUSED] * 9, OK), workload="stages-batch", **staged)
    assert summary["limited_by"] != "configuration"


# Older and odd runs


def test_an_older_summary_gets_its_headline_from_what_it_has():
    manifest, summary = summary_of(*rows(*[REFUSED] * 5))
    older = {key: summary[key] for key in ("valid", "invalid_reasons", "ended", "counts", "metrics")}
    older["counts"] = {key: value for key, value in summary["counts"].items() if key != "users"}
    assert headline_of(manifest, summary_with(older)).outcome is Outcome.FAILED
    errors = [{key: row[key] for key in ("error", "blame", "count", "share", "example")} for row in summary["errors"]]
    assert "(http_4xx: 404 Not Found" in headline_of(manifest, summary_with(older | {"errors": errors})).text
    assert (
        headline_of(manifest_with(), summary_with(older | {"valid": False, "invalid_reasons": ["lost"]})).text
        == "INVALID: lost."
    )


def test_the_headline_of_a_summary_is_taken_as_it_is():
    told = {"outcome": "stopped", "text": "STOPPED at noon\x1b[2J"}
    assert headline_of(manifest_with(), summary_with(headline=told)) == Headline(Outcome.STOPPED, "STOPPED at noon")


def test_what_a_target_says_moves_no_cursor_and_is_cut():
    told = headline(*rows(FAILED | {"detail": "\x1b[31m\u202eevil " * 50}))
    assert not {"\x1b", "\u202e"} & set(told.text)
    assert len(told.text) < 300


def test_a_steady_run_passes():
    assert headline(*steady(10)).outcome is Outcome.PASSED
