"""Which metrics decide a comparison: those that the workload measures, and of few requests the median."""

import pytest

from folders import write_version
from katydid.analysis.comparison.compare import compare_versions
from katydid.cli import main
from katydid.model.documents.comparison import CompareSettings
from katydid.report.verdict import comparison_sentence

LUCK = (0.01, -0.008, 0.004)
FIRST_TOKEN_LATER = {"ttft_ms": 1.47}


def change(folders, **factors):
    """Multiply columns of the runs' samples, or put a value in their place."""
    for folder in folders:
        samples = folder.samples()
        for column, factor in factors.items():
            samples[column] = factor if factor is None else samples[column] * factor
        samples.to_parquet(folder.path / "samples.parquet")


def sides(tmp_path, *, runs=3, **run):
    base = write_version(tmp_path, "old", LUCK[:runs], step=2, **run)
    new = write_version(tmp_path, "new", LUCK[:runs][::-1], first_minute=1, step=2, **run)
    return base, new


def primary(result):
    return [m["name"] for m in result["metrics"] if m["primary"]]


def test_a_stream_is_judged_by_its_first_token_its_pace_its_whole_and_its_failures(tmp_path):
    result = compare_versions(*sides(tmp_path))
    assert primary(result) == ["ttft.p50", "ttft.p95", "tpot.p50", "duration.p50", "failure_rate"]
    assert result["settings"]["primary"] == ("ttft.p50", "ttft.p95", "tpot.p50", "duration.p50", "failure_rate")


@pytest.mark.parametrize("named", [("duration.p50",), ("duration.p50", "failure_rate")])
def test_failures_decide_whatever_else_is_named(tmp_path, named):
    result = compare_versions(*sides(tmp_path), settings=CompareSettings(primary=named))
    assert primary(result) == ["duration.p50", "failure_rate"]


def test_a_later_first_token_at_equal_duration_is_slower_in_compare_and_fails_the_gate(tmp_path, capsys):
    _, new = sides(tmp_path)
    change(new, **FIRST_TOKEN_LATER)
    folders = [str(tmp_path / name) for name in ("old", "new")]
    assert main(["compare", *folders]) == 0
    assert capsys.readouterr().out.startswith("SLOWER. new is slower than old: time to first token, p50 +4")
    limits = tmp_path / "limits.toml"
    for thresholds in ("stream", str(limits)):
        limits.write_text('[objective]\n"ttft.p95" = "< 5s"\n')
        assert main(["gate", folders[1], "--thresholds", thresholds, "--baseline", folders[0]]) == 1
        assert capsys.readouterr().out.startswith("FAILED. new is slower than old: time to first token, p50 +4")


def test_what_a_workload_does_not_measure_is_left_out_and_said(tmp_path):
    folders = sides(tmp_path)
    for side in folders:
        change(side, completion_tokens=None)
    result = compare_versions(*folders)
    assert primary(result) == ["ttft.p50", "ttft.p95", "duration.p50", "failure_rate"]
    assert result["verdict"] == "no_difference"
    assert any("no run measures tpot.p50" in reason for reason in result["reasons"])


def test_where_nothing_that_was_named_is_measured_nothing_passes_for_want_of_it(tmp_path):
    result = compare_versions(*sides(tmp_path), settings=CompareSettings(primary=("final_latency.p50",)))
    assert primary(result) == ["final_latency.p50", "failure_rate"]
    assert result["verdict"] == "cannot_tell"


@pytest.mark.parametrize(
    ("workload", "columns", "expected"),
    [
        ("batch", {"ttft_ms": None, "ttft_bound": False}, ["duration.p50", "duration.p95"]),
        ("my-own", {"ttft_ms": None, "ttft_bound": False}, ["duration.p50", "duration.p95"]),
        ("my-own", {}, ["ttft.p50", "ttft.p95", "tpot.p50", "duration.p50"]),
        ("burst", {}, ["response.p50", "response.p95"]),
        ("tools", {"conversation_ms": 1.0}, ["conversation.p50", "conversation.p95"]),
        ("speech", {"final_latency_ms": 1.0}, ["final_latency.p50", "final_latency.p95"]),
    ],
)
def test_each_workload_is_judged_by_what_it_measures(tmp_path, workload, columns, expected):
    folders = sides(tmp_path, workload=workload)
    for side in folders:
        for folder in side:
            samples = folder.samples()
            for column, value in columns.items():
                samples[column] = samples["duration_ms"].where(samples["outcome"] == "ok") if value == 1.0 else value
            samples.to_parquet(folder.path / "samples.parquet")
    assert primary(compare_versions(*folders)) == [*expected, "failure_rate"]


def test_a_p95_of_too_few_requests_is_judged_by_its_median(tmp_path):
    few = {"users": 4, "cycles": 16}
    settings = CompareSettings(primary=("duration.p95", "ttft.p50", "ttft.p95"))
    result = compare_versions(*sides(tmp_path, **few), settings=settings)
    assert primary(result) == ["duration.p50", "ttft.p50", "failure_rate"]
    assert any("duration.p95 has too few requests" in reason for reason in result["reasons"])
    assert any("ttft.p95 has too few requests" in reason for reason in result["reasons"])
    assert not any(m["primary"] for m in result["metrics"] if m["name"].endswith("p95"))


@pytest.mark.parametrize("slower", [0.0, -0.3])
def test_the_headline_names_the_largest_regression_of_any_metric(tmp_path, slower):
    base, new = sides(tmp_path)
    change(new, gap_p99_ms=1.2, gap_max_ms=1.47, duration_ms=1 + slower)
    result = compare_versions(base, new, settings=CompareSettings(primary=("duration.p50",)))
    assert result["verdict"] == ("faster" if slower else "no_difference")
    assert result["largest_regression"].startswith("gap_max.")
    label = "inter-chunk latency, max"
    assert f"but {label}" in comparison_sentence(result)
    assert any(reason.lower().startswith(f"largest regression: {label}") for reason in result["reasons"])


def test_a_headline_without_a_regression_names_none(tmp_path):
    result = compare_versions(*sides(tmp_path))
    assert result["largest_regression"] is None
    assert "but" not in comparison_sentence(result)
