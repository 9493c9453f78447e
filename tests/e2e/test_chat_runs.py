"""The workload `chat` in whole runs: what the target was asked is what the rows say, whoever keeps the history."""

import json

import pytest

from katydid.target.process import start_target
from real_server import NEEDS_REAL_SERVER, real_model_server
from running import katydid, the_run

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

QUICK = {"ttft": 0.02, "chunk_interval": 0.002, "chunks": 10, "prefix_cache": 1_000_000}
EACH_ONE = ("--interval", 3600, "--phase", "burst", "--warm-up", 0)
"""Each user holds one conversation, all begin together."""


def chat(folder, url, *words, allowed=(0, 4), seconds=120):
    run = katydid("run", "chat", "--host", url, *words, folder=folder)
    code = run.wait(seconds)
    assert code in allowed, run.out + run.err  # 4: a busy machine makes a run invalid
    found = the_run(folder)
    return found, found.samples.query("kind == 'request'"), found.samples.query("kind == 'iteration'")


def truth_of(log):
    return {line["request_id"]: line for line in map(json.loads, log.read_text().splitlines())}


def grown(requests):
    """By how much each turn's prompt is longer than all that was said before it, by the target's count."""
    ordered = requests.sort_values(["session_id", "turn"])
    said = (ordered["prompt_tokens"] + ordered["completion_tokens"]).groupby(ordered["session_id"]).shift()
    later = ordered["turn"] > 1
    assert (ordered["history_tokens"][later] == said[later]).all()
    assert (ordered["history_tokens"][~later] == 0).all()
    return (ordered["prompt_tokens"] - ordered["history_tokens"]).astype(int)


@pytest.mark.parametrize(
    "words",
    [
        pytest.param((), id="kept by the client"),
        pytest.param(("--api", "openai-responses"), id="sent as items"),
        pytest.param(("--api", "openai-responses", "--history", "server"), id="kept by the server"),
    ],
)
def test_fifty_users_of_eight_turns_grow_as_they_should(words, tmp_path):
    log = tmp_path / "truth.jsonl"
    with start_target(**QUICK, log=str(log)) as target:
        load = ("--users", 50, "--turns", 8, "--requests", 400, "--input-tokens", 30, "--think-time", "50ms")
        found, requests, _ = chat(tmp_path / "run", target.url, *load, *EACH_ONE, *words)
    assert set(requests["outcome"]) == {"ok"}
    assert requests.groupby("session_id")["turn"].apply(sorted).map(tuple).value_counts().to_dict() == {
        tuple(range(1, 9)): 50
    }
    assert set(grown(requests)) == {30}
    truth = truth_of(log)
    for row in requests.itertuples():
        line = truth[row.request_id]
        assert (line["prompt_tokens"], line["cached_tokens"]) == (row.prompt_tokens, row.cached_tokens)
    chat_part = found.summary["chat"]
    assert (chat_part["completed"], chat_part["failed"]) == (50, 0)
    shares = [turn["cached_share"] for turn in chat_part["turns"]]
    assert shares[0] == 0.0
    assert min(shares[2:]) > 0.5
    assert all(turn["ttft_p50_ms"] > 0 for turn in chat_part["turns"])
    assert found.summary["metrics"]["conversations_ok"] == 1.0
    assert "Conversations" in (found.path / "report.html").read_text(encoding="utf-8")


def test_an_arrival_of_a_rate_starts_a_conversation_in_one_process_as_in_two(tmp_path):
    starts = []
    for processes in ((), ("--processes", 2)):
        log = tmp_path / f"truth{len(starts)}.jsonl"
        with start_target(**QUICK, log=str(log)) as target:
            load = ("--rate", 10, "--arrivals", "poisson", "--turns", 3, "--think-time", "uniform(10ms,60ms)")
            words = ("--users", 40, "--run-time", "6s", "--input-tokens", "uniform(20,60)", *processes)
            _, requests, whole = chat(tmp_path / f"run{len(starts)}", target.url, *load, *words)
        first = requests.query("turn == 1").sort_values("scheduled_ms")
        begin = first["scheduled_ms"].min()
        starts.append([(round(row.scheduled_ms - begin, 3), row.target_input_tokens) for row in first.itertuples()])
        assert len(whole) >= len(first)
        assert set(requests["outcome"]) == {"ok"}
    common = min(map(len, starts))
    assert common > 30
    assert starts[0][: common - 5] == starts[1][: common - 5]


def test_a_turn_that_fails_ends_its_conversation_and_is_counted_once(tmp_path):
    log = tmp_path / "truth.jsonl"
    with start_target(**QUICK, log=str(log), fail=("http_500=0.1",)) as target:
        words = ("--users", 10, "--turns", 6, "--run-time", "4s", "--failure-threshold", 0, "--warm-up", 0)
        found, requests, whole = chat(tmp_path / "run", target.url, *words)
    failed = requests[requests["outcome"] == "failed"]
    assert set(failed["request_id"]) == {key for key, line in truth_of(log).items() if line["fault"]}
    assert len(failed) == (whole["outcome"] == "failed").sum() == found.summary["counts"]["failed"] > 0
    last = requests.groupby("session_id")["turn"].max()
    assert (last[failed["session_id"]].to_numpy() == failed["turn"].to_numpy()).all()


def test_a_run_that_ends_waits_for_nobody_who_thinks(tmp_path):
    with start_target(**QUICK) as target:
        words = ("--users", 5, "--turns", 3, "--think-time", "10m", "--run-time", "2s", "--drain", "5m")
        _, requests, whole = chat(tmp_path, target.url, *words, seconds=100)
    assert set(requests["turn"]) == {1}
    assert set(whole["outcome"]) == {"aborted"}


@pytest.mark.real
@NEEDS_REAL_SERVER
@pytest.mark.timeout(900)
def test_a_real_model_is_asked_more_each_turn_and_answers_the_history_from_its_cache(tmp_path):
    with real_model_server() as url:
        load = ("--users", 50, "--turns", 8, "--requests", 400, "--input-tokens", 40, "--output-tokens", 12)
        limits = ("--request-timeout", "5m", "--idle-timeout", "5m", "--shared-prefix", "60")
        found, requests, _ = chat(tmp_path, url, *load, *EACH_ONE, *limits, seconds=800)
    assert set(requests["outcome"]) == {"ok"}
    assert len(requests) == 400
    added = grown(requests)[requests.sort_values(["session_id", "turn"])["turn"] > 1]
    assert added.mean() == pytest.approx(40, abs=2)
    turns = found.summary["chat"]["turns"]
    assert [turn["turn"] for turn in turns] == list(range(1, 9))
    assert [turn["history_tokens"] for turn in turns] == sorted(turn["history_tokens"] for turn in turns)
    assert all(turn["ttft_p50_ms"] and turn["cached_share"] is not None for turn in turns)
    assert turns[7]["cached_share"] > turns[0]["cached_share"]
    lengths = found.summary["lengths"]["input"]
    assert abs(lengths["off"]) < 0.02
