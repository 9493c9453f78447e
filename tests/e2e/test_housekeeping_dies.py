"""What serves a run for all its time dies in the middle of it: the run ends at once, invalid, and says why."""

import pytest

from katydid.target.process import start_target
from running import katydid, the_run

pytestmark = [pytest.mark.e2e]

BREAK = """
import time

import katydid.engine.{module} as module
from katydid.workloads.stream.user import StreamUser

class User(StreamUser):
    pass


began, whole = time.monotonic(), module.{owner}.{method}


def dies(*arguments, **more):
    if time.monotonic() - began > 2:
        raise KeyError("lost")
    return whole(*arguments, **more)


module.{owner}.{method} = dies
"""
PARTS = {
    "the monitor of the generator": ("monitor.generator", "Monitor", "_row"),
    "the writer of rows": ("run_state", "Runtime", "_warn_of_nulled"),
    "the monitor of the machine and the target": ("monitor.resource_monitor", "ResourceMonitor", "_add"),
    "the live view": ("live.observability", "Alarms", "add"),
}


def broken_run(tmp_path, part, *words):
    """A run of 20 s in which a part dies after 2."""
    module, owner, method = PARTS[part]
    file = tmp_path / "breaks.py"
    file.write_text(BREAK.format(module=module, owner=owner, method=method))
    with start_target(ttft=0.01, chunks=5) as target:
        run = katydid(
            "run", file, "--host", target.url, "--users", 4, "--interval", 0.2, "--run-time", "20s", "--warm-up", 0,
            "--results", "runs", *words, folder=tmp_path,
        )  # fmt: skip
        code = run.wait(19)
    return code, the_run(tmp_path / "runs")


def assert_broken(run, part, process):
    summary = run.summary
    assert not summary["valid"]
    assert f"{part} died in {process} (KeyError: 'lost')" in " ".join(summary["invalid_reasons"])
    assert run.manifest["ended"] == "error"
    assert len(run.samples) == summary["counts"]["requests"] > 10


@pytest.mark.parametrize(
    "part", [part if part == "the writer of rows" else pytest.param(part, marks=pytest.mark.slow) for part in PARTS]
)
def test_the_run_ends_at_once_and_is_invalid(tmp_path, part):
    code, run = broken_run(tmp_path, part)
    assert code == 4
    assert_broken(run, part, "local")


@pytest.mark.slow
def test_a_workers_ends_the_run_of_all(tmp_path):
    code, run = broken_run(tmp_path, "the writer of rows", "--processes", 2)
    assert code == 4
    assert_broken(run, "the writer of rows", run.manifest["housekeeping_died"][0]["process"])
