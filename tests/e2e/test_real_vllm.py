"""The stream workload against a real vLLM with a tiny model (scripts/real_vllm.sh): run by scripts/test_real.sh."""

import json
import re
import urllib.request

import pytest

from real_server import NEEDS_VLLM, real_vllm
from running import katydid, runs_in, the_run

pytestmark = [pytest.mark.e2e, pytest.mark.real, NEEDS_VLLM, pytest.mark.timeout(1200)]

TOKENS = 32
LOAD = ("--users", 4, "--interval", 1, "-t", "10s", "--max-tokens", TOKENS)


@pytest.fixture(scope="module")
def vllm():
    with real_vllm() as url:
        yield url


def metric(url, name):
    """The sum of a counter over its labels."""
    with urllib.request.urlopen(f"{url}/metrics") as answer:
        page = answer.read().decode()
    return sum(float(value) for value in re.findall(rf"^{name}(?:\{{.*\}})? ([\d.e+-]+)$", page, re.MULTILINE))


def loaded(url, folder, *more):
    run_ = katydid("run", "stream", "--host", f"{url}/v1", *LOAD, *more, folder=folder)
    assert run_.wait(120) in {0, 4}, run_.out + run_.err  # 4: its times are bad where the server has the cores
    run = the_run(folder / "reports")
    assert set(run.samples["outcome"]) == {"ok"}
    assert len(run.samples) >= 30
    return run


def test_every_request_succeeds_without_adaptation_and_its_tokens_are_the_engines_own(vllm, tmp_path):
    before = metric(vllm, "vllm:generation_tokens_total")
    run = loaded(vllm, tmp_path, "--check", "full", "--body", "ignore_eos=true")
    assert run.manifest["model"] == "tiny", "the first that it lists"
    assert run.manifest["adapted"] is None
    rows = run.samples
    assert set(rows["completion_tokens"]) == {TOKENS}, "asked for to the token"
    assert (rows["prompt_tokens"] > 10).all()
    look = min(TOKENS, 16)
    assert metric(vllm, "vllm:generation_tokens_total") - before == rows["completion_tokens"].sum() + look


def test_prompts_that_come_again_are_answered_from_its_prefix_cache(vllm, tmp_path):
    prompts = tmp_path / "prompts.txt"
    prompts.write_text(f"{' '.join(f'word{number} of a long prompt' for number in range(100))}\n")
    before = metric(vllm, "vllm:prefix_cache_hits_total")
    run = loaded(vllm, tmp_path, "--prompts", prompts)
    hits = metric(vllm, "vllm:prefix_cache_hits_total") - before
    assert hits > 0.5 * run.samples["prompt_tokens"].sum()
    assert run.samples["cached_tokens"].sum() == pytest.approx(hits, rel=0.1), "but for the look before the load"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--model", "no-such-model"), "404 The model `no-such-model` does not exist"),
        (("--body", "top_p=7"), "top_p"),
        (("--api", "ollama"), "404"),
    ],
)
def test_what_it_refuses_ends_the_start_with_its_own_words(vllm, tmp_path, words, said):
    run_ = katydid("run", "stream", "--host", f"{vllm}/v1", "-t", "5s", *words, folder=tmp_path)
    assert run_.wait(60) == 2, run_.out + run_.err
    assert said in run_.err
    assert len(run_.err.splitlines()) == 1


def test_made_prompts_and_forced_answers_are_as_long_as_asked_and_nothing_comes_from_its_cache(vllm, tmp_path):
    run = loaded(vllm, tmp_path, "--input-tokens", "normal(600,100)", "--output-tokens", 64)
    rows = run.samples
    assert set(rows["completion_tokens"]) == {64}
    assert rows["prompt_tokens"].mean() == pytest.approx(rows["target_input_tokens"].mean(), rel=0.02)
    assert run.summary["cache"]["beyond_template"] < 0.01


def test_a_shared_prefix_shows_alike_in_its_own_count_of_cached_tokens_and_in_our_rows(vllm, tmp_path):
    before = metric(vllm, "vllm:prefix_cache_hits_total")
    run = loaded(vllm, tmp_path, "--input-tokens", 600, "--shared-prefix", "256:1")
    hits = metric(vllm, "vllm:prefix_cache_hits_total") - before
    ours = run.samples["cached_tokens"].sum()
    assert ours > 0.2 * run.samples["prompt_tokens"].sum()
    assert ours <= hits <= ours + 5 * 256, "but for the look and the probes before the load"


def test_a_file_of_prompts_that_comes_a_second_time_is_warm_and_told(vllm, tmp_path):
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("".join(f"{number} {'is a number of its own ' * 60}\n" for number in range(20)))
    for _ in range(2):
        words = ("run", "stream", "--host", f"{vllm}/v1", *LOAD, "--prompts", prompts)
        assert katydid(*words, folder=tmp_path).wait(120) in {0, 4}
    last = runs_in(tmp_path / "reports")[-1]
    assert last.samples["cached_tokens"].sum() > 0.5 * last.samples["prompt_tokens"].sum()
    assert any("warm cache" in said for said in last.summary["warnings"])


def test_its_other_api_of_openais_is_spoken_too(vllm, tmp_path):
    run = loaded(vllm, tmp_path, "--api", "openai-responses")
    assert (run.samples["completion_tokens"] <= TOKENS).all()


def test_its_usage_has_cached_tokens(vllm):
    body = {"model": "tiny", "max_tokens": 1, "messages": [{"role": "user", "content": "again and again " * 200}]}
    answers = []
    for _ in range(2):
        request = urllib.request.Request(
            f"{vllm}/v1/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request) as answer:
            answers.append(json.load(answer)["usage"])
    assert answers[1]["prompt_tokens_details"]["cached_tokens"] > 0.5 * answers[1]["prompt_tokens"]
