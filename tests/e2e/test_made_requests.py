"""Made requests in whole runs: the same bytes for every version, and what the target's prefix cache makes of them."""

import pytest

from katydid.target.process import start_target
from running import Run, katydid, runs_in

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

LENGTHS = ("--input-tokens", "normal(200,50)", "--output-tokens", "uniform(4,12)")


def stream(target, folder, *words):
    """A run of six users that ask once a second; how it ended, and its folder."""
    usual = ("--users", 6, "--interval", 1, "--warm-up", 0, "--run-time", "4s")
    run = katydid("run", "stream", "--host", target.url, *usual, *words, folder=folder)
    code = run.wait(90)
    (found,) = runs_in(folder) or [None]
    assert found is not None, run.out + run.err
    return code, found


def sent_bodies(folder, *words):
    with start_target(ttft=0.02, chunk_interval=0.001, log=str(folder.parent / f"{folder.name}.jsonl")) as target:
        stream(target, folder, *LENGTHS, *words)
        return [line["body_sha256"] for line in sorted(target.log(), key=lambda line: line["received_mono_ns"])]


def test_versions_get_the_same_bytes_in_the_same_order_with_one_process_and_with_two(tmp_path):
    base, new, two = (
        sent_bodies(tmp_path / name, *words) for name, words in (("a", ()), ("b", ()), ("c", ("--processes", 2)))
    )
    assert len(set(base)) == len(base) >= 18
    whole = min(map(len, (base, new, two)))
    assert whole >= 18
    assert base[:whole] == new[:whole] == two[:whole]


def test_a_shared_prefix_is_cached_by_the_targets_rule(tmp_path):
    with start_target(chunk_interval=0.001, prefix_cache=100_000, log=str(tmp_path / "log")) as target:
        _, found = stream(target, tmp_path / "run", "--input-tokens", 200, "--shared-prefix", "150:2")
        truth = target.log()
    samples = found.samples
    assert set(samples["outcome"]) == {"ok"}
    told = samples.set_index("request_id")["cached_tokens"].to_dict()
    assert told == {line["request_id"]: line["cached_tokens"] for line in truth}
    assert sorted(samples["cached_tokens"])[2:] == [144] * (len(samples) - 2)  # whole blocks of 16
    assert found.summary["cache"]["hit_rate"] == pytest.approx(144 / 200 * (len(samples) - 2) / len(samples), abs=0.02)
    assert not any("warm cache" in reason for reason in found.summary["invalid_reasons"])


def warm(found: Run) -> bool:
    return any("warm cache" in reason for reason in found.summary["invalid_reasons"])


def test_the_same_prompts_again_are_a_warm_cache_unless_it_is_emptied_before_the_run(tmp_path):
    with start_target(chunk_interval=0.001, prefix_cache=100_000) as target:
        _, cold = stream(target, tmp_path / "cold", "--input-tokens", 200)
        code, again = stream(target, tmp_path / "again", "--input-tokens", 200)
        _, emptied = stream(target, tmp_path / "emptied", "--input-tokens", 200, "--before-run", "/reset_prefix_cache")
    assert (warm(cold), warm(again), warm(emptied)) == (False, True, False)
    assert code == 4
    assert again.summary["cache"]["hit_rate"] > 0.9
