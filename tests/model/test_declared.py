"""Metrics that a workload declares: what is taken, what is refused, and what becomes of a manifest that was touched."""

import json

import pytest

from katydid import Metric
from katydid.model.errors import ConfigError
from katydid.model.metrics.declared import KEY, MOST_METRICS, catalogue_of, declare
from katydid.model.units import Better, Unit

COLUMNS = {"vectors": int, "complete": bool, "language": str}
VECTORS = Metric("vectors_per_s", "Vectors", "vectors", read="rate", better="higher")
COMPLETE = Metric("complete_share", "Complete", "complete", read="share", better="higher")
SIZE = Metric("vectors_each", "Vectors each", "vectors", unit="")


def declared(*metrics, columns=COLUMNS):
    """As it comes back from a manifest's file."""
    return json.loads(json.dumps(declare(columns, metrics)))


def test_a_declaration_comes_back_from_the_manifest_as_it_was():
    found = catalogue_of(declared(VECTORS, COMPLETE, SIZE))
    assert found.declared == (VECTORS, COMPLETE, SIZE)
    assert not found.complaint


def test_a_workload_without_metrics_adds_nothing_to_the_manifest():
    assert declare(COLUMNS, ()) == {}


def test_a_distribution_has_every_statistic_and_the_others_one_name():
    found = catalogue_of(declared(VECTORS, SIZE)).metrics
    assert {"vectors_each.p50", "vectors_each.p99", "vectors_each.max", "vectors_per_s"} <= found.keys()
    assert "vectors_each" not in found
    assert (found["vectors_per_s"].unit, found["vectors_per_s"].better) == (Unit.PER_SECOND, Better.HIGHER)
    assert found["vectors_each.p50"].unit is Unit.COUNT


def test_a_column_of_every_request_may_be_read():
    assert declare({}, [Metric("bytes_per_s", "Bytes", "bytes", read="rate")])


@pytest.mark.parametrize(
    "given",
    [
        {"name": "Vectors/s"},
        {"name": "x" * 49},
        {"name": "ttft"},
        {"name": "goodput"},
        {"name": 7},
        {"column": "a b"},
        {"label": ""},
        {"label": "x" * 61},
        {"label": "red \x1b[31m"},
        {"definition": "x" * 401},
        {"read": "sum"},
        {"better": "more"},
        {"unit": "parsecs"},
        {"unit": "ms"},
        {"read": "share", "unit": "/s"},
        {"read": "distribution", "unit": "fraction"},
        {"read": ["rate"]},
    ],
    ids=str,
)
def test_what_is_no_metric_is_refused_in_one_line(given):
    whole = {"name": "vectors_per_s", "label": "Vectors", "column": "vectors", "read": "rate"}
    with pytest.raises(ConfigError) as refused:
        Metric(**whole | given)
    assert "\n" not in str(refused.value)
    assert "\x1b" not in str(refused.value)


@pytest.mark.parametrize(
    "metrics",
    [
        [Metric("x", "X", "nowhere")],
        [Metric("x", "X", "language")],
        [Metric("x", "X", "detail", read="rate")],
        [Metric("x", "X", "complete")],
        [Metric("x", "X", "vectors", read="share")],
        [VECTORS, Metric("vectors_per_s", "Others", "vectors")],
        [Metric(f"m{i}", "M", "vectors") for i in range(MOST_METRICS + 1)],
        ["vectors_per_s"],
    ],
    ids=["no column", "text", "text of every request", "truths", "numbers", "one name twice", "too many", "no metric"],
)
def test_a_metric_that_cannot_be_read_from_the_columns_is_refused(metrics):
    with pytest.raises(ConfigError):
        declare(COLUMNS, metrics)


def touched(change):
    said = declared(VECTORS, COMPLETE)
    change(said[KEY])
    return said


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d["metrics"][0].update(name="<script>"),
        lambda d: d["metrics"][0].update(name="ttft"),
        lambda d: d["metrics"][0].update(label=["x"]),
        lambda d: d["metrics"][0].update(unit={"a": 1}),
        lambda d: d["metrics"][0].update(extra=1),
        lambda d: d["metrics"][0].pop("column"),
        lambda d: d["metrics"].__setitem__(0, None),
        lambda d: d["metrics"].__setitem__(0, [1]),
        lambda d: d["columns"].update(vectors="complex"),
        lambda d: d["columns"].update(vectors=[1]),
        lambda d: d["columns"].pop("vectors"),
    ],
)
def test_what_is_damaged_is_left_out_and_said_while_the_rest_stays(change):
    found = catalogue_of(touched(change))
    assert [metric.name for metric in found.declared] == ["complete_share"]
    assert found.complaint.startswith("1 declared metric left out: ")
    assert "\n" not in found.complaint


@pytest.mark.parametrize("said", [[], "x", 7, {}, {"columns": [], "metrics": []}, {"columns": {}, "metrics": {}}])
def test_a_manifest_that_declares_nonsense_declares_nothing(said):
    found = catalogue_of({KEY: said})
    assert not found.declared
    assert found.complaint


def test_a_manifest_with_a_million_metrics_is_read_up_to_the_limit():
    said = declared(VECTORS)
    said[KEY]["metrics"] *= 1_000_000
    assert catalogue_of(said).declared == (VECTORS,)


def test_runs_that_mean_different_things_by_a_name_are_told_apart():
    other = Metric("vectors_per_s", "Vectors", "vectors", unit="")
    relabelled = Metric("vectors_per_s", "All vectors", "vectors", read="rate", better="higher")
    assert catalogue_of(declared(VECTORS), declared(other)).differing == {"vectors_per_s"}
    found = catalogue_of(declared(VECTORS), declared(relabelled))
    assert not found.differing
    assert found.declared == (relabelled,)
