"""The stream workload against a real model server, through the scripts that people run."""

import json
import socket
import subprocess
import sys
import urllib.request

import pytest

from real_server import NEEDS_REAL_SERVER, real_model_server
from running import ROOT, Running, clean_environment, free_port, katydid, runs_in, the_run

pytestmark = [pytest.mark.e2e, pytest.mark.real, NEEDS_REAL_SERVER]


@pytest.mark.timeout(600)
def test_every_row_is_ok_and_tokens_are_the_servers(tmp_path):
    with real_model_server() as url:
        run_ = Running(
            [ROOT / "scripts" / "run_load_testing_stream_8min.sh", "--max-tokens", "24", "--check", "full"],
            tmp_path,
            {"LOCUST_HOST": url, "LOCUST_USERS": "4", "LOCUST_RUN_TIME": "20s", "LOAD_TEST_INTERVAL": "4"},
        )
        assert run_.wait(120) == 0, run_.err + run_.out
    run = the_run(tmp_path / "reports")
    samples = run.samples
    assert len(samples) >= 16
    assert set(samples["outcome"]) == {"ok"}
    for column in ("ttft_ms", "gap_mean_ms", "duration_ms", "completion_tokens", "prompt_tokens"):
        assert samples[column].notna().all(), column
    # llama.cpp sends a chunk a token, but for those that complete no character and the end of the answer.
    assert (samples["chunks"] <= samples["completion_tokens"]).all()
    assert (samples["completion_tokens"] - samples["chunks"] <= 2).all()
    assert (samples["completion_tokens"] <= 24).all()
    assert run.manifest["model"] == "smollm2"


def get(url, body=None):
    request = urllib.request.Request(url, body and json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return answer.read().decode()


@pytest.mark.timeout(600)
def test_the_server_also_tells_of_itself_embeds_and_has_room_for_thousands_of_tokens():
    with real_model_server() as url:
        assert "llamacpp:prompt_tokens_total" in get(f"{url}/metrics")
        assert {slot["n_ctx"] for slot in json.loads(get(f"{url}/slots"))} == {4096}
        embedded = json.loads(get(f"{url}/v1/embeddings", {"model": "smollm2", "input": ["a text", "another one"]}))
        assert [len(each["embedding"]) for each in embedded["data"]] == [576, 576]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_server_with_one_thread_and_one_with_two_alternate_on_one_port(tmp_path):
    """Which is faster is the machine's business: threads that wait for a core that others have are slow."""
    port = free_port()
    host, serve = f"http://127.0.0.1:{port}", f"exec {ROOT}/scripts/real_llm.sh {port}"
    load = ["--users", "2", "--interval", "2", "--run-time", "16s", "--max-tokens", "24", "--max-pairs", "3"]
    words = ["ab", host, host, "--start-base", f"{serve} 1", "--start-new", f"{serve} 2", *load]
    done = subprocess.run(
        [sys.executable, "-m", "katydid", *words, "--results", str(tmp_path), "--json", "-"],
        env=clean_environment(), capture_output=True, text=True, check=False, timeout=850,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["interleaved"]
    assert [len(side["runs"]) for side in told["sides"]] == [3, 3]
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)), "the last one was not stopped"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_lengths_are_as_asked_without_a_tokenizer_and_no_prompt_comes_from_the_cache(tmp_path):
    with real_model_server() as url:
        words = ("--host", url, "--users", 3, "--interval", 6, "--warm-up", 0, "--run-time", "60s")
        lengths = ("--input-tokens", "normal(200,50)", "--output-tokens", 64)
        katydid("run", "stream", *words, *lengths, folder=tmp_path / "made").wait(200)
        sharing = ("--run-time", "30s", "--input-tokens", 200, "--shared-prefix", 150)
        katydid("run", "stream", *words, *sharing, folder=tmp_path / "shared").wait(120)
        prompts = tmp_path / "prompts.txt"
        prompts.write_text("".join(f"Tell me all about the number {number}.\n" for number in range(5)))
        for _ in range(2):
            katydid("run", "stream", *words, "--run-time", "8s", "--prompts", prompts, folder=tmp_path / "file").wait(
                99
            )
    made = the_run(tmp_path / "made")
    samples = made.samples
    assert set(samples["outcome"]) == {"ok"}
    asked, realised = samples["target_input_tokens"], samples["prompt_tokens"]
    assert realised.mean() == pytest.approx(asked.mean(), rel=0.02)
    assert realised.std() == pytest.approx(asked.std(), rel=0.15)
    assert ((realised / asked - 1).abs() <= 0.03).mean() >= 0.95
    assert set(samples["completion_tokens"]) == {64}
    assert made.summary["cache"]["beyond_template"] < 0.01
    assert the_run(tmp_path / "shared").summary["cache"]["beyond_template"] > 0.2
    assert all(any("warm cache" in said for said in run.summary["warnings"]) for run in runs_in(tmp_path / "file"))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_it_frees_the_slot_of_a_client_that_has_left(tmp_path):
    """llama.cpp looks at its clients between the tokens that it computes."""
    with real_model_server() as url:
        words = ("--users", 2, "--interval", 8, "--warm-up", 0, "--run-time", "32s", "--max-tokens", 200)
        done = katydid(
            "run", "stream", "--host", url, *words, "--body", "ignore_eos=true", "--abandon", "50%@10chunks",
            folder=tmp_path,
        )  # fmt: skip
        assert done.wait(200) in {0, 4}, done.out + done.err
        assert not any(slot["is_processing"] for slot in json.loads(get(f"{url}/slots")))
    run = the_run(tmp_path / "reports")
    found, counts = run.summary["leaving"], run.summary["counts"]
    assert counts["abandoned"] > 0
    assert counts["failed"] == 0
    assert (found["outcome"], found["source"]) == ("frees", "metrics"), found
    assert found["high_ms"] < found["rest_ms"] / 4.0
    assert found["text"] in done.out
