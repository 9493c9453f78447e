"""JUnit's XML, read back as a CI reads it."""

from xml.etree import ElementTree as ET

import pytest

from katydid.report.gate import junit
from synthetic import HOSTILE
from verdicts import compared, judged, judged_run

OBJECTIVES = {"ttft.p95": "< 1ms", "failure_rate": "< 2%", "tpot.p50": "< 1s"}


def suite(judgement):
    root = ET.fromstring(junit(judgement).encode())
    assert root.tag == "testsuites"
    (found,) = root
    assert {root.get(count) for count in ("tests",)} == {found.get("tests")} == {str(len(found))}
    return found


def kinds(found):
    return {case.get("name").split(":")[0]: [child.tag for child in case] for case in found}


def test_a_check_is_a_test_case_with_what_came_of_it():
    found = suite(judged(objective=OBJECTIVES, comparison=compared("cannot_tell")))
    assert kinds(found) == {
        "valid": [], "ended": [], "ttft.p95": ["failure"], "failure_rate": [], "tpot.p50": ["error"],
        "duration.p50": ["skipped"],
    }  # fmt: skip
    assert [found.get(count) for count in ("tests", "failures", "errors", "skipped")] == ["6", "1", "1", "1"]


def test_a_broken_limit_says_value_and_limit():
    (failure,) = suite(judged(objective={"ttft.p95": "< 1ms"})).iter("failure")
    assert (failure.get("type"), failure.get("message")) == ("failed", "ttft.p95 is 1.00\u00a0s")
    assert junit(judged(objective={"ttft.p95": "< 1ms"})).count("ttft.p95: &lt; 1ms") == 1


def test_what_was_skipped_says_why():
    (skipped,) = suite(judged(compare={})).iter("skipped")
    assert skipped.get("message") == "no baseline: name one with --baseline"


def test_what_cannot_be_told_is_a_failure_where_the_file_says_so():
    judgement = judged(comparison=compared("cannot_tell"), compare={}, policy={"cannot_tell": "fail"})
    (failure,) = suite(judgement).iter("failure")
    assert failure.get("type") == "cannot_tell"


def test_an_invalid_run_is_an_error():
    (error,) = suite(judged(judged_run(valid=False, invalid_reasons=["busy"]), objective={"ttft.p95": "< 2s"})).iter(
        "error"
    )
    assert (error.get("type"), error.get("message")) == ("invalid", "busy")


@pytest.mark.parametrize(
    "text",
    [
        HOSTILE,
        "]]>",
        "<!--",
        "&amp;",
        "a\x00b\x0bc\ufffe\uffff",
        "\ud800",
        "<!DOCTYPE x [<!ENTITY y SYSTEM 'file:///'>]>",
    ],
)
def test_a_hostile_text_is_text(text):
    judgement = judged(judged_run(valid=False, invalid_reasons=[f"({text})"]), objective={"ttft.p95": "< 2s"})
    (error,) = suite(judgement).iter("error")
    assert error.get("message").startswith("(")
    assert error.get("message").endswith(")")
    assert len(list(error)) == 0
