"""Whatever a run of any workload recorded, its summary and its page are JSON that the strictest reader takes."""

import numpy as np
import pyarrow as pa
import pytest

from documents import manifest_with
from katydid.analysis.derived import with_derived
from katydid.analysis.summary import summarise
from katydid.model.jsontext import json_text
from katydid.model.sample import ErrorClass
from katydid.report.build import sections
from katydid.report.model import Material
from katydid.report.render.markdown import section_markdown
from katydid.report.run import render_run
from katydid.resources import shipped_workloads
from katydid.runs.rows import MonitorRow, record_schema, sample_schema
from katydid.workloads import user_class
from schemas import misfits
from strictjson import strictly

ALWAYS = frozenset(
    {"request_id", "user", "iteration", "worker", "name", "scheduled_ms", "stage", "outcome", "after_stop", "warm_up"}
    | {"waited_ms", "turn"}
)
"""Columns that no row lacks."""
ROLES = {"chaos": ["kill", "restart"], "storm": ["storm"], "zombies": ["zombie"]}
PLANS = {"scale": ("stages", "batch"), "capacity": ("capacity", "stream")}
OUTCOMES = {
    "mixed": ["ok", "failed", "aborted"],
    "all failed": ["failed"],
    "all ok": ["ok"],
    "all cut off": ["aborted"],
    "none": [],
}
WORDS = {
    "waited_ms": [3.0, 4000.0],
    "kind": ["iteration", "request"],
    "error": [error.value for error in ErrorClass],
    "blame": ["target", "generator", "config"],
    "status": [101, 200, 404, 503],
    "checked": ["", "isolation", "isolation,independent_streams,room_members"],
    "violated": ["", "isolation", "isolation,independent_streams,room_members"],
    "after_stop": [False] * 9 + [True],
    "warm_up": [False] * 9 + [True],
}
"""What a column may say, where its type does not tell it."""
OF_TYPE = {pa.bool_(): [False, True], pa.string(): ["a", "b"], pa.int64(): [0, 1, 4], pa.float64(): [0.0, 3.0, 4000.0]}


def columns_of(workload):
    return user_class(PLANS.get(workload, ("", workload))[1]).extra_columns


def random_samples(workload, outcomes, dice):
    """Rows whose every value is one that a run could have left; each column is null in all, some or no rows."""
    schema = sample_schema(columns_of(workload))
    rows = int(dice.integers(1, 60)) if outcomes else 0
    words = WORDS | {"role": ROLES.get(workload), "outcome": outcomes}
    columns = {}
    for field in schema:
        drawn = dice.choice(words.get(field.name) or OF_TYPE[field.type], rows).tolist()
        nulls = 0.0 if field.name in ALWAYS else dice.choice([0.0, 0.3, 1.0])
        columns[field.name] = [None if dice.random() < nulls else value for value in drawn]
    columns |= {"user": [row % 4 for row in range(rows)], "iteration": [row // 4 for row in range(rows)]}
    return pa.table(columns, schema=schema).to_pandas()


def random_monitor(dice):
    schema, seconds = record_schema(MonitorRow), int(dice.integers(0, 5))
    row = {"process": "local", "users": 4, "cpu_percent": 10.0, "memory_bytes": 1, "loop_lag_ms": 1.0,
           "open_connections": 1, "clock_step_ms": 0.0}  # fmt: skip
    return pa.Table.from_pylist([row | {"at_ms": i * 1000.0} for i in range(seconds)], schema=schema).to_pandas()


def manifest_of(workload, dice):
    plan, name = PLANS.get(workload, ("", workload))
    stage = {"begin_ms": 0.0, "settled_ms": 1.0, "purpose": "", "ended": "time"}
    staged = {
        "plan": plan, "workload": f"{plan}-{name}",
        "stages": [stage | {"stage": i, "users": 2**i, "end_ms": float(dice.choice([1.0, 5000.0]))} for i in range(5)],
        "objective": [{"metric": "duration.p95", "allowed": 0.05, "limit_ms": 1000.0}],
    }  # fmt: skip
    return {"workload": name, "interval_s": 1.0, "users": 4, "ended": "run-time"} | (staged if plan else {})


@pytest.mark.parametrize("outcomes", OUTCOMES)
@pytest.mark.parametrize("workload", sorted({*shipped_workloads(), "capacity"}))
def test_every_summary_is_json(workload, outcomes):
    for seed in range(3):
        dice = np.random.default_rng([seed, len(workload)])
        samples, monitor = random_samples(workload, OUTCOMES[outcomes], dice), random_monitor(dice)
        manifest = manifest_with(manifest_of(workload, dice))
        summary = summarise(samples, monitor, manifest)
        told = strictly(json_text(summary))
        assert told.keys() == summary.keys()
        assert misfits("summary", told) == []
        material = Material(manifest, summary, with_derived(samples, manifest), monitor)
        shown = sections(material)
        assert render_run(material, shown)  # what its charts carry is JSON too
        assert all("nan" not in section_markdown(section) for section in shown)
