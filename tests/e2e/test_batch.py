"""The workload `batch` in whole runs against the embedded target."""

import json

import pytest

from katydid.target.process import start_target
from running import katydid, the_run

pytestmark = pytest.mark.e2e


def batch(url, folder, *words):
    run = katydid("run", "batch", "--host", url, "--interval", 0.5, "--warm-up", 0, *words, folder=folder)
    return run, run.wait()


@pytest.mark.parametrize(("api", "client"), [("openai", "fast"), ("ollama", "requests"), ("anthropic", "fast")])
def test_whole_answers_have_a_duration_tokens_and_no_first_token(api, client, tmp_path):
    with start_target(duration=0.05, chunks=7) as target:
        options = ("--api", api, "--client", client, "--users", 4, "--run-time", "2s")
        run, code = batch(target.url, tmp_path, *options)
    found = the_run(tmp_path)
    assert code == 0, run.out + run.err
    assert set(found.samples["outcome"]) == {"ok"}
    assert set(found.samples["completion_tokens"]) == {7}
    assert found.samples[["ttft_ms", "chunks", "retry_after_ms"]].isna().all(axis=None)
    assert (found.samples["duration_ms"] >= 49).all()
    assert found.summary["metrics"]["chunks_per_s"] is None
    assert found.summary["metrics"]["user_tokens.p50"] == pytest.approx(7 / 0.05, rel=0.5)


FAULTS = {
    "http_400": "http_4xx",
    "http_500": "http_5xx",
    "http_503": "overloaded",
    "malformed": "malformed",
    "error_event": "server_error_event",
    "truncated": "malformed",
    "cut": "truncated",
    "reset": "reset",
    "empty": "empty",
}


def test_every_fault_of_the_target_has_its_class(tmp_path):
    log = tmp_path / "truth.jsonl"
    with start_target(duration=0.01, log=str(log), fail=tuple(f"{fault}=0.1" for fault in FAULTS)) as target:
        batch(target.url, tmp_path, "--users", 20, "--run-time", "3s", "--failure-threshold", 0)
    truth = {line["request_id"]: line["fault"] for line in map(json.loads, log.read_text().splitlines())}
    found = the_run(tmp_path).samples
    assert {truth[i] for i in found["request_id"]} >= set(FAULTS)
    expected = [FAULTS.get(truth[i]) for i in found["request_id"]]
    assert [error if isinstance(error, str) else None for error in found["error"]] == expected


@pytest.mark.parametrize(("limit", "error"), [("rate_limit", "rate_limited"), ("daily_limit", "daily_limit")])
def test_a_limit_that_is_reached_stops_the_run_at_the_fifth_refusal(limit, error, tmp_path):
    with start_target(duration=0.01, **{limit: 2}) as target:
        batch(target.url, tmp_path, "--users", 4, "--run-time", "20s")
    failed = the_run(tmp_path).samples.query("outcome == 'failed' and not after_stop")
    assert list(failed["error"]) == [error] * 5
    assert set(failed["blame"]) == {"target"}
    assert failed["retry_after_ms"].notna().all()


def test_a_refused_request_is_tried_again_later_each_try_a_row(tmp_path):
    with start_target(duration=0.01, rate_limit=1000, fail=("http_429=0.5",), seed=3) as target:
        options = ("--users", 3, "--run-time", "6s", "--on-429", "backoff", "--failure-threshold", 0, "--tries", 3)
        run, code = batch(target.url, tmp_path, *options)
    found = the_run(tmp_path)
    assert code == 0, run.out + run.err  # valid: holding back explains fewer starts
    tries = found.samples.sort_values("scheduled_ms").groupby(["user", "iteration"])
    assert found.samples["attempt"].max() >= 1
    for _, rows in tries:
        assert list(rows["attempt"]) == list(range(len(rows)))
        assert set(rows["error"][:-1]) <= {"rate_limited"}
        assert (rows["scheduled_ms"].to_numpy()[1:] == rows["retry_at_ms"].to_numpy()[:-1]).all()
