"""A run that asks several models or targets has each metric once more for each: measured, compared, judged, shown."""

import numpy as np
import pytest

from documents import manifest_with
from folders import write_run
from katydid.analysis.comparison.compare import compare_versions
from katydid.analysis.summary import RunResult, summarise
from katydid.gate.judge import judge
from katydid.gate.thresholds import parse_thresholds
from katydid.model.documents.comparison import CompareSettings
from katydid.model.errors import ConfigError
from katydid.model.metrics import METRICS, parts_of, split_name, whole_name
from katydid.model.metrics.declared import catalogue_of
from katydid.report.build import build_report
from synthetic import synthetic_run

A, B = "org/a", "b:q4"
HOSTS = ["http://10.0.0.7:8000", "http://10.0.0.8:8000"]
MIX = {"models": {A: 0.7, B: 0.3}, "hosts": HOSTS}


def mixed(seed=1, slower=1.0, **manifest):
    """Model B is twice as slow, and by `slower` more; only the second host fails."""
    run = synthetic_run(seed=seed, **MIX | {"failing": 0.1, "cycles": 24} | manifest)
    rows = run.samples
    rows["model"] = np.where(np.random.default_rng(seed).random(len(rows)) < 0.7, A, B)
    rows["host"] = np.where(rows["user"] % 2, *HOSTS[::-1])
    b = rows["model"] == B
    for column in ("ttft_ms", "duration_ms"):
        rows.loc[b, column] *= 2.0 * slower
    well = (rows["host"] == HOSTS[0]) & (rows["outcome"] == "failed")
    run.samples = rows[~well].reset_index(drop=True)
    return run


def summary_of(run):
    return summarise(run.samples, run.monitor, manifest_with(run.manifest))


def test_each_model_and_each_target_has_its_own_metrics():
    run = mixed()
    metrics = summary_of(run).metrics
    a, b = (metrics[f"model={name}/ttft.p50"] for name in (A, B))
    assert b == pytest.approx(2.0 * a, rel=0.1)
    assert a < metrics["ttft.p50"] < b
    assert metrics[f"host={HOSTS[0]}/failure_rate"] == 0.0
    assert metrics[f"host={HOSTS[1]}/failure_rate"] > 0.1
    for rate in ("requests_per_s", "tokens_per_s"):
        assert sum(metrics[f"model={name}/{rate}"] for name in (A, B)) == pytest.approx(metrics[rate])


def test_time_outs_count_in_the_part_in_which_they_were():
    run = mixed(failing=0.0)
    b = run.samples.index[run.samples["model"] == B][:60]
    run.samples.loc[b, ["outcome", "error", "blame", "duration_ms"]] = ["failed", "timeout", "target", np.nan]
    summary = summary_of(run)
    assert summary.measured(f"model={B}/duration.max").at_least
    assert not summary.measured(f"model={A}/duration.max").at_least


def test_a_run_of_one_model_and_one_target_has_no_parts():
    run = mixed(models=None, hosts=HOSTS[:1])
    assert not [name for name in summary_of(run).metrics if "=" in name]
    assert parts_of(manifest_with(run.manifest)) == ()


@pytest.mark.parametrize("said", ["a", 7, [1, 2], {"a": 1}, ["a\x1b[31m", "b"], ["a", "x" * 300]])
def test_what_a_manifest_says_that_is_no_list_of_names_is_left_out(said):
    assert parts_of({"models": said}) == ()


@pytest.mark.parametrize(
    ("name", "parts", "whole"),
    [
        ("ttft.p95", ("ttft", "p95"), "ttft.p95"),
        ("failure_rate", ("failure_rate", ""), "failure_rate"),
        ("model=org/a.b/ttft.p95", ("model=org/a.b/ttft", "p95"), "ttft.p95"),
        ("host=http://10.0.0.7:80/failure_rate", ("host=http://10.0.0.7:80/failure_rate", ""), "failure_rate"),
    ],
)
def test_a_name_is_read_from_its_end(name, parts, whole):
    assert split_name(name) == parts
    assert whole_name(name) == whole


def test_the_catalogue_has_every_metric_of_every_part():
    catalogue = catalogue_of(manifest_with(mixed().manifest))
    assert len(catalogue.metrics) == 5 * len(METRICS)
    metric = catalogue.metrics[f"model={B}/ttft.p95"]
    assert (metric.unit, metric.better) == (METRICS["ttft.p95"].unit, METRICS["ttft.p95"].better)
    assert metric.label.endswith(f"(model {B})")
    assert catalogue.part_of(f"host={HOSTS[0]}/duration").value == HOSTS[0]
    assert catalogue.part_of("duration") is None


def side(folder, version, slower):
    return [
        write_run(
            folder / version / f"r{i}", mixed(i + 10 * (version == "new"), slower, version=version, failing=0.02), i
        )
        for i in range(4)
    ]


@pytest.fixture
def sides(tmp_path):
    return side(tmp_path, "old", 1.0), side(tmp_path, "new", 1.4)


def test_a_model_that_became_slower_is_told_from_one_that_did_not(sides):
    found = compare_versions(*sides, settings=CompareSettings())
    rows = {row.name: row for row in found.metrics}
    assert rows[f"model={B}/duration.p50"].change == pytest.approx(0.4, abs=0.08)
    assert abs(rows[f"model={A}/duration.p50"].change) < 0.08
    assert not rows[f"model={B}/duration.p50"].primary


def test_a_part_can_decide_a_comparison_and_a_gate(sides):
    primary = [f"model={B}/duration.p50"]
    thresholds = parse_thresholds(
        {
            "objective": {f"model={A}/ttft.p50": "< 2s", f"host={HOSTS[0]}/failure_rate": "< 1%"},
            "compare": {"primary": primary},
        },
        "t.toml",
        catalogue_of(*(folder.manifest() for folder in sides[1])),
    )
    found = compare_versions(*sides, settings=thresholds.settings)
    assert found.verdict == "slower"
    judgement = judge(thresholds, [RunResult.load(folder) for folder in sides[1]], found)
    verdicts = {check.metric: check.verdict for check in judgement.checks}
    assert verdicts[f"model={A}/ttft.p50"] == verdicts[f"host={HOSTS[0]}/failure_rate"] == "passed"
    assert verdicts[primary[0]] == "failed"


def test_a_model_that_no_run_asks_is_no_metric(sides):
    with pytest.raises(ConfigError, match="there is no such metric"):
        parse_thresholds({"objective": {"model=c/ttft.p95": "< 1s"}}, "t.toml", catalogue_of(sides[0][0].manifest()))


def test_the_report_has_a_row_for_each(sides):
    report = build_report(sides[1][0])
    (section,) = (each for each in report.sections if each.key == "parts")
    (table,) = section.tables
    assert table.texts("Part") == [f"model {A}", f"model {B}", *(f"host {host}" for host in HOSTS)]
    assert sum(int(count.replace(",", "")) for count in table.texts("Requests")[:2]) == report.summary.counts.requests
    assert "Metrics of each model and each target" in (sides[1][0].path / "report.html").read_text()
