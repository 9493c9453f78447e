"""Documents: attributes and JSON in one, older and newer files, and what is none of ours."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from documents import comparison_with, metric_row, summary_with
from katydid.model.documents.base import DocumentError
from katydid.model.documents.comparison import Comparison, Verdict
from katydid.model.documents.gate import GateResult
from katydid.model.documents.manifest import Manifest, StageRecord
from katydid.model.documents.summary import RequestCounts, Summary
from katydid.model.jsontext import json_text

FIRST_MANIFEST = {
    "schema_version": 1, "workload": "stream", "version": "v1", "host": "http://127.0.0.1:8080", "model": "small",
    "users": 10, "spawn_rate": 10, "interval_s": 5.0, "phase": "spread", "failure_threshold": 0, "run_time_s": None,
    "request_timeout_s": 60.0, "warm_up_s": 5.0, "timestamp_source": "kernel", "api": "openai",
    "options": {"max_tokens": 128}, "katydid_version": "0.1.0", "workers": 1,
    "started_utc": "2026-11-21T07:17:07.819+00:00", "ended": "run-time", "stopped_at_ms": 60_000.0, "lost_workers": [],
}  # fmt: skip
"""As the first release wrote it: no ramp, no idle timeout, no row counts."""
FIRST_SUMMARY = {
    "schema_version": 1, "valid": True, "invalid_reasons": [], "warnings": [], "findings": [], "unchecked_rules": [],
    "ended": "run-time", "partial": False, "seconds": 55.0, "metrics": {"ttft.p95": 120.0}, "too_few": {},
    "counts": {"requests": 9, "ok": 8, "failed": 1, "aborted": 0, "late": 0, "warm_up": 0, "after_stop": 0, "all": 9},
    "errors": [{"error": "timeout", "blame": "target", "count": 1, "share": 0.1, "first_ms": 7.0, "example": None}],
    "names": [{"name": "/", "requests": 9, "failed": 1, "duration.p50": 9.0, "duration.max": 10.0}],
    "timestamp_source": "kernel",
}  # fmt: skip
"""The same: no headline, nothing censored, errors without a status."""


def test_a_key_is_an_attribute_and_a_key():
    manifest = Manifest.read(FIRST_MANIFEST)
    assert manifest.users == manifest["users"] == manifest.get("users") == 10
    assert ("ended" in manifest, "ramp_per_s" in manifest) == (True, False)
    assert dict(manifest) == FIRST_MANIFEST


def test_what_an_older_version_did_not_write_reads_as_not_there():
    manifest, summary = Manifest.read(FIRST_MANIFEST), Summary.read(FIRST_SUMMARY)
    assert (manifest.ramp_per_s, manifest.idle_timeout_s, manifest.stages) == (None, None, None)
    assert (summary.headline, summary.upper_bounds, summary.censored.requests) == (None, [], 0)
    assert (summary.errors[0].status, summary.names[0].longest, summary.counts.users) == (None, 10.0, 0)


@pytest.mark.parametrize(("kind", "old"), [(Manifest, FIRST_MANIFEST), (Summary, FIRST_SUMMARY)])
def test_what_is_written_again_has_every_key_that_was_read_also_those_of_a_newer_version(kind, old):
    newer = old | {"from_the_future": {"deep": [1, None]}, "counts": old.get("counts", {}) | {"stolen": 3}}
    again = kind.read(newer).added(ended="interrupted")
    assert json.loads(json_text(again)) == newer | {"ended": "interrupted"}
    assert again.ended == "interrupted"


def test_a_document_that_was_made_is_the_json_that_is_read():
    made = summary_with(counts={"requests": 3, "ok": 3}).added(users_at_stop=7.0)
    assert Summary.parse(json_text(made).encode()) == made
    assert made.counts == RequestCounts(requests=3, ok=3)


def test_parts_that_are_added_are_plain_json():
    manifest = Manifest.read({}).added(stages=[StageRecord(0, 10, 0.0, 5.0, 9.0)])
    stage = {
        "stage": 0, "users": 10, "begin_ms": 0.0, "settled_ms": 5.0, "end_ms": 9.0, "purpose": "", "ended": "time",
        "rate": None,
    }  # fmt: skip
    assert manifest["stages"] == [stage]
    assert manifest.stage(0).settled_ms == 5.0


@pytest.mark.parametrize(
    ("kind", "text", "told"),
    [
        (Manifest, b"", "not JSON: Input data was truncated"),
        (Manifest, b"[" * 100_000, "not JSON: maximum recursion depth exceeded"),
        (Manifest, b'{"users": NaN}', "not JSON: JSON is malformed"),
        (Manifest, b"\xff", "not JSON: "),
        (Manifest, b"[1]", "not a JSON object"),
        (Manifest, b'{"users": "ten"}', "users: expected `int | null`, got `str`"),
        (Manifest, b'{"stages": [{"stage": 1}]}', "stages[0]: there is no `users`"),
        (Manifest, b'{"stopped_at_ms": 1e300}', "stopped_at_ms: expected `float`"),
        (Summary, b"{}", "there is no `valid`"),
        (Summary, b'{"valid": true, "invalid_reasons": [], "metrics": {}}', "there is no `counts`"),
    ],
)
def test_what_is_wrong_is_said_by_its_key_in_one_line(kind, text, told):
    with pytest.raises(DocumentError) as said:
        kind.parse(text)
    assert str(said.value).startswith(told)
    assert "\n" not in str(said.value)


NUMBERS = st.integers(-(10**40), 10**40) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


def read(kind, source):
    """What became of it: the JSON again, or why not."""
    try:
        return kind.read(source).json
    except DocumentError as error:
        return str(error)


@pytest.mark.parametrize(("kind", "sound"), [(Manifest, FIRST_MANIFEST), (Summary, FIRST_SUMMARY)])
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_json_is_a_document_or_a_reason_in_one_line(kind, sound, data):
    value, key = data.draw(JSON), data.draw(st.sampled_from(sorted(sound)))
    source = value if data.draw(st.booleans()) else sound | {key: value}
    told = read(kind, source)
    assert told == source or (isinstance(told, str) and len(told.splitlines()) == 1)


# Documents and parts within


def judged_with(comparison):
    return GateResult(
        schema_version=1, passed=True, exit_code=0, thresholds="t", runs=[], checks=[], comparison=comparison
    )


def test_a_document_within_another_keeps_every_key_that_was_read():
    whole = comparison_with(metrics=[metric_row()]).json | {"from_the_future": [1]}
    assert judged_with(Comparison.read(whole)).json["comparison"] == whole
    assert judged_with(None).json["comparison"] is None


@pytest.mark.parametrize("verdict", ["mixed", "invalid", "splendid"])
def test_a_metric_has_no_verdict_of_a_comparison(verdict):
    with pytest.raises(DocumentError, match="verdict"):
        comparison_with(metrics=[metric_row(verdict=verdict)])
    assert comparison_with(metrics=[metric_row(verdict="slower")]).metrics[0].verdict is Verdict.SLOWER


def test_what_a_workload_adds_is_read_as_its_type():
    summary = summary_with(mine=[{"requests": 3, "ok": 2}], hollow=None)
    assert summary.part("mine", list[RequestCounts]) == [RequestCounts(requests=3, ok=2)]
    assert summary.part("hollow", int) is summary.part("nobodys", int) is None
    with pytest.raises(DocumentError, match=r"mine: .*expected `int`"):
        summary.part("mine", int)
