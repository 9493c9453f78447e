"""The real model server of scripts/real_llm.sh, for tests marked `real`."""

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "real_llm.sh"
START_TIME = 100.0
"""Seconds to wait for it; the first start downloads it."""
NEEDS_REAL_SERVER = pytest.mark.skipif(
    os.environ.get("KATYDID_REAL") != "1", reason="KATYDID_REAL=1 runs the tests with a real model server"
)


@contextmanager
def real_model_server() -> Iterator[str]:
    """Its URL, on a port that was free; it ends with the block."""
    with tempfile.TemporaryDirectory() as folder:
        said, complaints = Path(folder, "stdout"), Path(folder, "stderr")
        with said.open("w") as out, complaints.open("w") as err:
            process = subprocess.Popen(["bash", str(SCRIPT), "0"], stdout=out, stderr=err)
        try:
            yield _url(process, said, complaints)
        finally:
            process.terminate()
            process.wait(timeout=30)


def _url(process: subprocess.Popen, said: Path, complaints: Path) -> str:
    deadline = time.monotonic() + START_TIME
    while time.monotonic() < deadline and process.poll() is None:
        line = said.read_text()
        if line.startswith("listening on ") and line.endswith("\n"):
            return line.split()[-1]
        time.sleep(0.1)
    pytest.fail(f"the real model server did not start: {complaints.read_text()[-2000:]}")
