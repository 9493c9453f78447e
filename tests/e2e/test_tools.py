"""The workload `tools` in whole runs: right conversations are right, and every fault is found where it is."""

import json

import pytest

from katydid.target.faults import PROGRESS_FAULTS, TOOL_FAULTS
from katydid.target.process import start_target
from running import katydid, the_run

pytestmark = pytest.mark.e2e

QUICK = {"ttft": 0.02, "chunk_interval": 0.002, "chunks": 5}


def tools(folder, settings, *words):
    with start_target(**QUICK | settings) as target:
        options = ("--host", target.url, "--interval", 1, "--warm-up", 0, "--failure-threshold", 0)
        run = katydid("run", "tools", *options, *words, folder=folder)
        code = run.wait()
    found = the_run(folder)
    # 4: a busy machine makes a run invalid; the rows say all the same what was right.
    all_failed = not (found.samples["outcome"] == "ok").any()
    assert code in (int(all_failed), 4), run.out + run.err
    return found, found.samples.query("kind == 'request'"), found.samples.query("kind == 'iteration'")


@pytest.mark.parametrize(
    "words",
    [
        pytest.param((), id="sequential", marks=pytest.mark.slow),
        pytest.param(("--tool-turns", "parallel"), id="parallel"),
        pytest.param(("--tools-answers", "whole", "--tool-latency", 0.01), id="whole", marks=pytest.mark.slow),
    ],
)
def test_a_hundred_users_two_calls_each_and_every_conversation_is_right(words, tmp_path):
    found, requests, conversations = tools(tmp_path, {}, "--users", 100, "--interval", 3, "--run-time", "5s", *words)
    assert conversations["user"].nunique() == 100
    assert set(requests["outcome"]) == set(conversations["outcome"]) == {"ok"}
    assert set(conversations["tool_calls"]) == {2}
    turns = 2 if "parallel" in words else 3
    assert len(requests) == turns * len(conversations)
    assert found.summary["metrics"]["conversations_ok"] == 1.0
    assert found.summary["metrics"]["conversation.p50"] > 0


@pytest.mark.parametrize("turns", ["sequential", "parallel"])
def test_each_fault_is_found_in_exactly_the_requests_that_had_it(turns, tmp_path):
    log = tmp_path / "truth.jsonl"
    rates = tuple(f"{fault}=0.08" for fault in TOOL_FAULTS)
    settings = {"log": str(log), "tool_fail": rates}
    _, requests, conversations = tools(tmp_path, settings, "--users", 30, "--run-time", "4s", "--tool-turns", turns)
    truth = {line["request_id"]: line["fault"] for line in map(json.loads, log.read_text().splitlines())}
    spoiled = {i for i in requests["request_id"] if truth[i]}
    assert {truth[i] for i in spoiled} == set(TOOL_FAULTS)
    failed = requests[requests["outcome"] == "failed"]
    assert set(failed["request_id"]) == spoiled
    assert set(failed["error"]) == {"wrong_tool_calls"}
    assert (conversations["outcome"] == "failed").sum() == len(failed)


def test_tools_that_the_server_runs_are_told_of_in_order(tmp_path):
    _, requests, _ = tools(tmp_path, {"server_tools": 2}, "--users", 5, "--run-time", "2s", "--tools-side", "server")
    assert set(requests["outcome"]) == {"ok"}
    assert set(requests["tool_calls"]) == {2}


def test_a_tool_that_the_server_did_not_run_is_missed(tmp_path):
    words = ("--users", 5, "--run-time", "2s", "--tools-side", "server")
    _, requests, _ = tools(tmp_path, {"server_tools": 1}, *words)
    assert set(requests["error"]) == {"wrong_tool_calls"}
    assert requests["detail"].str.startswith("wrong tool progress from the target: get_weather started").all()


@pytest.mark.slow
def test_each_fault_in_a_servers_progress_is_found_in_exactly_the_requests_that_had_it(tmp_path):
    log = tmp_path / "truth.jsonl"
    settings = {"log": str(log), "server_tools": 3, "tool_fail": tuple(f"{fault}=0.15" for fault in TOOL_FAULTS)}
    words = ("--users", 30, "--run-time", "2s", "--tools-side", "server", "--tool-calls", 3)
    _, requests, _ = tools(tmp_path, settings, *words)
    truth = {line["request_id"]: line["fault"] for line in map(json.loads, log.read_text().splitlines())}
    assert {truth[i] for i in requests["request_id"]} == {None, *PROGRESS_FAULTS}
    failed = requests[requests["outcome"] == "failed"]
    assert set(failed["request_id"]) == {i for i in requests["request_id"] if truth[i]}
    assert set(failed["error"]) == {"wrong_tool_calls"}


def test_an_api_without_tools_is_refused_in_one_line(tmp_path):
    run = katydid("run", "tools", "--embedded-target", "--api", "ollama", "--run-time", "1s", folder=tmp_path)
    assert run.wait() == 2
    assert run.err == "katydid: --api ollama: the workload tools supports only --api openai\n"


def test_at_the_failure_threshold_no_turn_begins_any_more_and_the_conversation_is_cut_off(tmp_path):
    settings = {"ttft": 0.3, "tool_fail": (f"{next(iter(TOOL_FAULTS))}=0.1",)}
    words = ("--users", 20, "--tool-calls", 6, "--interval", 5, "--failure-threshold", 2, "--run-time", "20s")
    found, requests, conversations = tools(tmp_path, settings, *words)
    stop = found.manifest["stopped_at_ms"]
    assert found.manifest["ended"] == "failure-threshold"
    assert (requests["start_ms"] <= stop).all()
    assert (conversations["outcome"] == "aborted").any()
    assert not (requests["outcome"] == "aborted").any(), "turns under way may finish"
    assert found.summary["counts"]["failed"] == 2
