"""Answers of another length: when they count as such, and what is compared then."""

import json
from itertools import count

import numpy as np
import pandas as pd
import pytest
from simulate_lengths import ANSWERS, MANIFEST, Answers, cell

from folders import write_version
from katydid.analysis.comparison.compare import compare_versions
from katydid.analysis.comparison.estimates import answer_lengths
from katydid.analysis.request_times import RequestTimes
from katydid.cli import main
from katydid.model.metrics import DISTRIBUTIONS

LUCK = (0.01, -0.008, 0.004)
DURATION = next(each for each in DISTRIBUTIONS if each.name == "duration")
TIMES = ["ttft_ms", "gap_mean_ms", "gap_p99_ms", "gap_max_ms"]


def sides(tmp_path, *, longer, slower=0.0, workload="batch"):
    """Three runs a side of 480 requests; of answers in one piece nobody sees a first token."""
    load = {"users": 20, "workload": workload, "step": 2}
    base = write_version(tmp_path, "old", LUCK, **load)
    new = write_version(tmp_path, "new", LUCK[::-1], first_minute=1, slower=slower, **load)
    for side, factor in ((base, 1.0), (new, 1.0 + longer)):
        for folder in side:
            rows = folder.samples()
            tokens = (rows["completion_tokens"] * factor).round().astype("Int64")
            rows["duration_ms"] = rows["ttft_ms"] + rows["gap_mean_ms"] * (tokens.astype(np.float64) - 1.0)
            rows["completion_tokens"] = tokens
            rows["late_ms"], rows["start_ms"] = 0.0, rows["scheduled_ms"]
            if workload == "batch":
                rows[TIMES] = np.nan
            rows.to_parquet(folder.path / "samples.parquet")
    return base, new


def metrics(result):
    return {metric.name: metric for metric in result.metrics}


def primaries(result):
    return [metric.name for metric in result.metrics if metric.primary]


@pytest.mark.parametrize(
    ("longer", "slower", "verdict"),
    [
        (0.05, 0.4, "slower"),
        (0.05, 0.0, "no_difference"),
        (1.0, 0.4, "slower"),
        (-0.4, 0.5, "slower"),
        (0.5, -0.3, "faster"),
    ],
)
def test_the_verdict_is_the_truth_at_equal_length(tmp_path, longer, slower, verdict):
    result = compare_versions(*sides(tmp_path, longer=longer, slower=slower))
    assert result.verdict == verdict
    assert primaries(result) == ["duration_at_length.p50", "duration_at_length.p95", "failure_rate"]
    equal = metrics(result)["duration_at_length.p50"]
    assert equal.low <= slower <= equal.high


def test_the_times_as_they_were_stand_beside_and_do_not_decide(tmp_path):
    found = compare_versions(*sides(tmp_path, longer=1.0))
    raw = metrics(found)["duration.p50"]
    assert (raw.verdict, raw.primary, raw.reason) == ("cannot_tell", False, "answers of another length")
    assert raw.change > 0.5
    assert any(reason.startswith("answers have 1") and "at equal length" in reason for reason in found.reasons)


def test_answers_that_hardly_differ_are_compared_as_they_are(tmp_path):
    found = compare_versions(*sides(tmp_path, longer=0.01, slower=0.4))
    assert primaries(found) == ["duration.p50", "duration.p95", "failure_rate"]
    assert "duration_at_length.p50" not in metrics(found)
    assert found.verdict == "slower"


def test_a_token_that_costs_less_as_the_first_one_costs_more_is_not_better_at_equal_length(tmp_path):
    base, new = sides(tmp_path, longer=0.5, workload="stream")
    for folder in new:
        rows = folder.samples()
        moved = 0.3 * (rows["duration_ms"] - rows["ttft_ms"])
        rows["ttft_ms"] += moved
        rows.to_parquet(folder.path / "samples.parquet")
    found = compare_versions(base, new)
    assert metrics(found)["tpot.p50"].verdict == "faster"
    assert found.verdict == "slower"


def test_a_time_that_is_known_as_a_bound_is_not_made_equal(tmp_path):
    """A tenth of the new requests times out, so that p95 is a bound: longer answers may be why."""
    base, new = sides(tmp_path, longer=0.3)
    limit = float(np.quantile(np.concatenate([folder.samples()["duration_ms"] for folder in new]), 0.9))
    for folder in new:
        rows = folder.samples()
        late = rows["duration_ms"] > limit
        rows.loc[late, ["outcome", "error", "duration_ms"]] = ["failed", "timeout", limit]
        rows.to_parquet(folder.path / "samples.parquet")
    found = compare_versions(base, new)
    assert primaries(found)[:2] == ["duration_at_length.p50", "duration.p95"]
    assert metrics(found)["duration.p95"].verdict == "cannot_tell"


@pytest.mark.parametrize("counting", [("old", "new"), ("new",)])
def test_chunks_show_that_answers_differ_and_not_by_how_much(tmp_path, counting):
    """The new version sends two tokens a chunk; on one side or both the server counts no tokens."""
    base, new = sides(tmp_path, longer=0.0, workload="stream")
    for name, side in (("old", base), ("new", new)):
        for folder in side:
            rows = folder.samples()
            if name in counting:
                rows["completion_tokens"] = np.nan
            rows["chunks"] = rows["chunks"] // (2 if name == "new" else 1)
            rows.to_parquet(folder.path / "samples.parquet")
    found = compare_versions(base, new)
    assert "duration_at_length.p50" not in metrics(found)
    assert metrics(found)["duration.p50"].verdict == "cannot_tell"
    assert any("chunks instead of" in reason and "does not count tokens" in reason for reason in found.reasons)


def test_the_gate_fails_a_version_whose_answers_are_longer_and_that_is_slower(tmp_path, capsys):
    sides(tmp_path, longer=0.05, slower=0.4)
    limits = tmp_path / "limits.toml"
    limits.write_text('[compare]\nprimary = ["duration.p50"]\n')
    words = ["gate", str(tmp_path / "new"), "--thresholds", str(limits), "--baseline", str(tmp_path / "old")]
    assert main([*words, "--json", str(tmp_path / "g.json")]) == 1
    failed = [
        check for check in json.loads((tmp_path / "g.json").read_text())["checks"] if check["verdict"] == "failed"
    ]
    assert [check["metric"] for check in failed] == ["duration_at_length.p50"]


def lengths(tokens, prompts=None):
    rows = pd.DataFrame({"outcome": "ok", "start_ms": 0.0, "error": None, "duration_ms": 10.0 * np.asarray(tokens)})
    rows["completion_tokens"] = tokens
    if prompts is not None:
        rows["prompt_id"] = prompts
    return answer_lengths(RequestTimes(rows, MANIFEST)).get("completion_tokens")


def test_the_chance_of_a_mean_length_is_that_of_independent_answers():
    tokens = np.random.default_rng(1).lognormal(4.0, 0.5, 400)
    assert lengths(tokens).error == pytest.approx(tokens.std(ddof=1) / tokens.mean() / 20, rel=1e-6)


def test_prompts_that_repeat_leave_what_differs_between_them_out():
    tokens = np.tile([10.0, 100.0, 1000.0, 5000.0], 25)
    assert lengths(tokens).error > 0.1
    assert lengths(tokens, np.tile(["1", "2", "3", "4"], 25)).error == pytest.approx(0.0, abs=1e-12)


def test_prompts_that_are_sent_once_tell_nothing_of_it():
    tokens = np.tile([10.0, 100.0], 50)
    assert lengths(tokens, [str(n) for n, _ in zip(count(), tokens, strict=False)]).error == lengths(tokens).error


def test_runs_without_answers_have_no_length():
    assert lengths([np.nan, np.nan]) is None


@pytest.mark.slow
@pytest.mark.parametrize("answers", [ANSWERS[0], Answers(longer=0.3), Answers(variation=0.0, longer=0.03)])
def test_equal_versions_whose_answers_differ_in_length_are_hardly_ever_called_different(answers):
    found = cell(answers, 3, 0.0, pairs=40, random=np.random.default_rng(1))
    assert found.different <= 0.05  # none to one of 40 where it is 1 %


def test_a_slower_version_is_found_however_long_its_answers_are():
    found = cell(Answers(longer=0.3), 3, 0.4, pairs=5, random=np.random.default_rng(1))
    assert (found.adjusted, found.slower) == (1.0, 1.0)
