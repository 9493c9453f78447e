"""scripts/ci_gate.sh against a real target: loads, judges, leaves its results, exits with the gate's code."""

import json
import os
import shutil
import subprocess
from xml.etree import ElementTree as ET

import pytest

from katydid.target.process import start_target
from running import ROOT, clean_environment

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(os.name == "nt", reason="a bash script")]

QUICK = {"chunk_interval": 0.002, "chunks": 20}
LOAD = {"LOCUST_USERS": "5", "LOCUST_RUN_TIME": "3s", "LOAD_TEST_INTERVAL": "0.5", "LOAD_TEST_VERSION": "v7"}
ATTEMPTS = 3
"""On a machine that is too busy to start requests in time, runs are invalid, and rightly so."""


@pytest.fixture
def gate(tmp_path):
    """Runs the script in an empty folder."""

    def run(**variables):
        environment = clean_environment(GITHUB_STEP_SUMMARY=str(tmp_path / "summary.md"), **LOAD | variables)
        script = ROOT / "scripts" / "ci_gate.sh"
        for _ in range(ATTEMPTS):
            (tmp_path / "summary.md").unlink(missing_ok=True)
            shutil.rmtree(tmp_path / "reports", ignore_errors=True)
            done = subprocess.run(
                [script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=100, check=False
            )
            if not (done.returncode == 4 and "the generator" in done.stdout):
                break
        return done

    return run


def thresholds(folder, limit):
    file = folder / "limits.toml"
    file.write_text(f'[objective]\n"ttft.p50" = "{limit}"\n"failure_rate" = "< 1%"\n')
    return str(file)


def test_a_service_that_keeps_its_objective_passes_and_leaves_its_results(gate, tmp_path):
    with start_target(ttft=0.02, **QUICK) as target:
        done = gate(LOCUST_HOST=target.url, THRESHOLDS=thresholds(tmp_path, "< 5s"))
    assert done.returncode == 0, done.stdout + done.stderr
    results = tmp_path / "reports" / "gate"
    assert json.loads((results / "gate.json").read_text())["passed"]
    assert ET.fromstring((results / "junit.xml").read_text()).get("failures") == "0"
    assert (tmp_path / "summary.md").read_text() == (results / "gate.md").read_text()
    assert [path.name for path in results.glob("runs-*/new/stream/*")] == ["v7"]


@pytest.mark.slow
def test_two_versions_are_loaded_by_turns_and_compared(gate, tmp_path):
    file = tmp_path / "limits.toml"
    file.write_text('[compare]\nprimary = ["ttft.p50"]\n[policy]\ncannot_tell = "fail"\n')
    with start_target(ttft=0.02, **QUICK) as base, start_target(ttft=0.12, **QUICK) as new:
        done = gate(LOCUST_HOST=new.url, BASE_HOST=base.url, PAIRS="1", THRESHOLDS=str(file))
    assert done.returncode == 3, done.stdout + done.stderr  # one run per side does not show the noise
    comparison = json.loads((tmp_path / "reports" / "gate" / "gate.json").read_text())["comparison"]
    assert [side["versions"] for side in comparison["sides"]] == [["base"], ["v7"]]
    assert [side["host"] for side in comparison["sides"]] == [base.url, new.url]
    assert comparison["metrics"][0]["change"] > 1.0
    assert "### CANNOT TELL" in (tmp_path / "summary.md").read_text()


@pytest.mark.slow
def test_a_slower_version_fails_after_as_many_pairs_as_it_takes(gate, tmp_path):
    file = tmp_path / "limits.toml"
    file.write_text('[compare]\nprimary = ["ttft.p50"]\n')
    with start_target(ttft=0.1, **QUICK) as base, start_target(ttft=0.15, **QUICK) as new:
        done = gate(LOCUST_HOST=new.url, BASE_HOST=base.url, MAX_PAIRS="4", THRESHOLDS=str(file))
    assert done.returncode == 1, done.stdout + done.stderr
    comparison = json.loads((tmp_path / "reports" / "gate" / "gate.json").read_text())["comparison"]
    assert (comparison["verdict"], comparison["decided"]) == ("slower", True)
    assert comparison["pairs"] == len(comparison["sides"][0]["runs"]) < 5


def test_a_wrong_thresholds_file_is_told_before_any_load(gate, tmp_path):
    done = gate(LOCUST_HOST="http://127.0.0.1:1", THRESHOLDS=thresholds(tmp_path, "< 5 stone"))
    assert done.returncode == 2
    assert 'has the unit "stone"' in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "reports").exists()


def test_a_service_that_is_not_there_is_no_failed_gate(gate, tmp_path):
    done = gate(LOCUST_HOST="http://127.0.0.1:1", THRESHOLDS="stream")
    assert done.returncode == 2
    assert "does not answer" in done.stderr
