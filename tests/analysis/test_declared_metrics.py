"""A metric that a workload declares is measured, compared and judged as one of ours; in-process, on synthetic runs."""

import numpy as np
import pandas as pd
import pytest

from documents import manifest_with
from folders import write_run
from katydid import Finding, Metric, Rule, Workload
from katydid.analysis.comparison.compare import compare_versions
from katydid.analysis.derived import with_derived
from katydid.analysis.summary import RunResult, summarise
from katydid.gate.judge import judge
from katydid.gate.judgement import GateVerdict
from katydid.gate.thresholds import parse_thresholds
from katydid.model.documents.comparison import CompareSettings
from katydid.model.errors import ConfigError
from katydid.model.metrics.declared import catalogue_of, declare
from katydid.model.workload import WORKLOADS
from katydid.report.build import build_report
from synthetic import synthetic_run

METRICS = (
    Metric("vectors_per_s", "Vectors", "vectors", read="rate", better="higher"),
    Metric("complete_share", "Complete", "complete", read="share", better="higher"),
    Metric("vectors_each", "Vectors each", "vectors", unit="", better="higher"),
)
DECLARED = declare({"vectors": int, "complete": bool}, METRICS)


def made(seed=1, fewer=1.0, complete=0.9, **manifest):
    run = synthetic_run(seed=seed, **DECLARED | manifest)
    luck = np.random.default_rng(seed)
    rows = len(run.samples)
    run.samples["vectors"] = np.round(luck.normal(800, 20, rows) * fewer * luck.normal(1, 0.005))
    run.samples["complete"] = luck.random(rows) < complete
    return run


def summary_of(run):
    return summarise(run.samples, run.monitor, manifest_with(run.manifest))


def side(folder, version, **changed):
    return [
        write_run(
            folder / version / f"r{i}",
            made(i + 10 * (version == "new"), version=version, **{"failing": 0.0, "cycles": 16} | changed),
            i,
        )
        for i in range(4)
    ]


def test_each_kind_is_read_from_the_successful_requests_that_count():
    run = made()
    summary = summary_of(run)
    frame = with_derived(run.samples, manifest_with(run.manifest))
    ok = frame[frame["counted"] & (frame["outcome"] == "ok")]
    metrics = summary["metrics"]
    assert metrics["vectors_per_s"] == pytest.approx(ok["vectors"].sum() / summary["seconds"])
    assert metrics["complete_share"] == pytest.approx(ok["complete"].mean())
    assert metrics["vectors_each.p50"] == np.quantile(ok["vectors"], 0.5, method="inverted_cdf")


def test_rows_without_a_value_count_for_nothing():
    run = made()
    run.samples["complete"] = run.samples["complete"].astype(object)
    run.samples.loc[::2, ["vectors", "complete"]] = None
    metrics = summary_of(run)["metrics"]
    assert metrics["complete_share"] == pytest.approx(0.9, abs=0.05)
    run.samples["vectors"] = np.nan
    metrics = summary_of(run)["metrics"]
    assert metrics["vectors_per_s"] is None
    assert metrics["vectors_each.max"] is None


@pytest.mark.parametrize("values", [["many"] * 2, [np.inf, "1"], [b"x", None], [[1], {"a": 2}]], ids=str)
def test_a_column_that_holds_something_else_than_its_manifest_says_is_no_error(values):
    run = made()
    run.samples["vectors"] = pd.Series((values * len(run.samples))[: len(run.samples)], dtype=object)
    assert summary_of(run)["valid"]


def test_a_run_without_the_column_lacks_the_metric():
    run = made()
    del run.samples["vectors"], run.samples["complete"]
    metrics = summary_of(run)["metrics"]
    assert metrics["vectors_per_s"] is metrics["complete_share"] is metrics["vectors_each.p50"] is None


def test_a_damaged_declaration_is_a_warning_and_the_run_stays_valid(tmp_path):
    run = made()
    run.manifest["declared"] = {"columns": {"vectors": "int"}, "metrics": [{"name": "<b>"}]}
    report = build_report(write_run(tmp_path / "run", run))
    assert report.summary["valid"]
    (found,) = (finding for finding in report.summary["findings"] if finding["rule"] == "declared")
    assert found["severity"] == "warning"


@pytest.mark.parametrize(
    ("changed", "metric", "verdict"),
    [
        ({"fewer": 0.8}, "vectors_per_s", "slower"),
        ({"fewer": 1.25}, "vectors_per_s", "faster"),
        ({"fewer": 1.25}, "vectors_each.p50", "faster"),
        ({}, "vectors_per_s", "no_difference"),
        ({"complete": 0.6}, "complete_share", "slower"),
    ],
)
def test_two_versions_are_told_apart_by_it_where_a_thresholds_file_names_it(tmp_path, changed, metric, verdict):
    sides = side(tmp_path, "base"), side(tmp_path, "new", **changed)
    known = catalogue_of(sides[0][0].manifest())
    settings = parse_thresholds({"compare": {"primary": [metric]}}, "limits.toml", known).settings
    found = compare_versions(*sides, settings=settings)
    (row,) = (row for row in found["metrics"] if row["name"] == metric)
    assert (row["verdict"], row["primary"]) == (verdict, True)
    assert found["verdict"] == verdict


def test_it_is_exploratory_where_nobody_names_it(tmp_path):
    found = compare_versions(side(tmp_path, "base"), side(tmp_path, "new", fewer=0.8), settings=CompareSettings())
    (row,) = (row for row in found["metrics"] if row["name"] == "vectors_per_s")
    assert (row["verdict"], row["primary"]) == ("slower", False)
    assert found["largest_regression"] in {"vectors_per_s", "vectors_each.p50"} | {
        f"vectors_each.{s}" for s in ("p90", "p95", "p99", "mean")
    }


def test_sides_that_mean_different_things_by_it_are_not_compared_by_it(tmp_path):
    other = declare({"vectors": int}, [Metric("vectors_per_s", "Vectors", "vectors", unit="")])
    sides = side(tmp_path, "base"), side(tmp_path, "new", **other)
    known = catalogue_of(DECLARED)
    thresholds = parse_thresholds({"compare": {"primary": ["vectors_per_s"]}}, "limits.toml", known)
    comparison = compare_versions(*sides, settings=thresholds.settings)
    (row,) = (row for row in comparison["metrics"] if row["name"] == "vectors_per_s")
    assert row["verdict"] == "cannot_tell"
    assert row["reason"]
    runs = [RunResult("new", manifest_with(made().manifest), summary_of(made()))]
    (check,) = (c for c in judge(thresholds, runs, comparison).checks if c.metric == "vectors_per_s")
    assert check.verdict is GateVerdict.NO_DATA


@pytest.mark.parametrize(("limit", "verdict"), [("> 1/s", GateVerdict.PASSED), ("> 1000000/s", GateVerdict.FAILED)])
def test_a_limit_judges_it(limit, verdict):
    run = made()
    thresholds = parse_thresholds({"objective": {"vectors_per_s": limit}}, "limits.toml", catalogue_of(run.manifest))
    judgement = judge(thresholds, [RunResult("run", manifest_with(run.manifest), summary_of(run))])
    (check,) = (c for c in judgement.checks if c.metric == "vectors_per_s")
    assert check.verdict is verdict


def test_a_limit_of_another_unit_or_of_an_undeclared_metric_is_refused():
    with pytest.raises(ConfigError, match="events per second"):
        parse_thresholds({"objective": {"vectors_per_s": "< 1s"}}, "limits.toml", catalogue_of(DECLARED))
    with pytest.raises(ConfigError, match="vectors_per_s"):
        parse_thresholds({"objective": {"vectors_per_s": "> 1/s"}}, "limits.toml")


@pytest.fixture
def own_rule(monkeypatch):
    """A workload of somebody's with a rule of its own, which this process knows."""
    rule = Rule("few", "at most 10 requests", "because", lambda run: Finding("invalid", f"{run.counts.requests} > 10"))
    monkeypatch.setitem(WORKLOADS, "mine", Workload(name="mine", rules=(rule,)))
    return declare({}, (), ["few"])


def test_a_rule_of_a_workloads_own_makes_a_run_invalid(own_rule):
    summary = summary_of(made(**own_rule, workload="mine"))
    assert not summary["valid"]
    assert [f["rule"] for f in summary["findings"] if f["severity"] == "invalid"] == ["few"]
    assert summary_of(made(workload="stream"))["valid"]


def test_a_rule_whose_code_is_not_here_is_told_to_be_unchecked(tmp_path):
    run = made(**declare({}, (), ["few"]), workload="mine")
    report = build_report(write_run(tmp_path / "run", run))
    assert report.summary["unchecked_rules"] == ["few"]
    assert [f["severity"] for f in report.summary["findings"] if f["rule"] == "few"] == ["warning"]
