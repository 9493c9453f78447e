"""Keys that expire in mid-run, in real runs: of one process and of a master with workers, and in no file."""

import subprocess
import sys
from pathlib import Path

import pytest

from running import ROOT, katydid, the_run

pytestmark = pytest.mark.e2e

GUARD = ROOT / "tests" / "support" / "expiring.py"
FEW = ("--users", 4, "--interval", "0.25", "-t", "3s", "--model", "m", "--warm-up", 0)


@pytest.fixture
def guard():
    """A target whose keys last for a second each; its URL."""
    with subprocess.Popen([sys.executable, str(GUARD)], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


def command(url):
    script = f"import urllib.request; print(urllib.request.urlopen('{url}/token').read().decode())"
    return {"LOAD_TEST_API_KEY_COMMAND": f'{sys.executable} -c "{script}"'}


def no_key_in(folder: Path):
    return not [p for p in folder.rglob("*") if p.is_file() and b"canary-key" in p.read_bytes()]


@pytest.mark.parametrize("more", [(), ("--processes", 2)], ids=["one process", "two workers"])
@pytest.mark.slow
def test_a_run_outlives_its_keys(guard, tmp_path, more):
    run_ = katydid("run", "stream", "--host", guard, *FEW, *more, folder=tmp_path, env=command(guard))
    assert run_.wait() == 0, run_.out + run_.err
    rows = the_run(tmp_path / "reports").samples
    assert set(rows["outcome"]) == {"ok"}
    assert rows["resent"].sum() >= 2
    assert rows[rows["resent"]]["worker"].nunique() == max(1, len(more))
    assert no_key_in(tmp_path)


@pytest.mark.slow
def test_one_whose_key_is_read_once_does_not_and_says_why(guard, tmp_path):
    words = ("run", "stream", "--host", guard, *FEW)
    run_ = katydid(*words, folder=tmp_path, env={"LOAD_TEST_API_KEY": "canary-key-0"})
    assert run_.wait() == 4, run_.out + run_.err
    failed = the_run(tmp_path / "reports").samples.query("outcome == 'failed'")
    assert set(failed["error"]) == {"auth_expired"}
    assert set(failed["blame"]) == {"config"}
    assert "LOAD_TEST_API_KEY_COMMAND" in run_.out
    assert no_key_in(tmp_path)
