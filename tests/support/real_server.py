"""Real engines, for tests marked `real`: llama.cpp by scripts/real_llm.sh, vLLM by scripts/real_vllm.sh."""

import os
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from running import ROOT, free_port

LLAMA, VLLM = ROOT / "scripts" / "real_llm.sh", ROOT / "scripts" / "real_vllm.sh"
START_TIME = 100.0
"""Seconds to wait for llama.cpp; the first start downloads it."""
VLLM_START_TIME = 900.0
"""The same for vLLM, of which the first start downloads gigabytes."""
NEEDS_REAL_SERVER = pytest.mark.skipif(
    os.environ.get("KATYDID_REAL") != "1", reason="KATYDID_REAL=1 runs the tests with a real model server"
)
VLLM_AT = os.environ.get("KATYDID_REAL_VLLM", "")
"""1, or the URL of one that runs already."""
NEEDS_VLLM = pytest.mark.skipif(not VLLM_AT, reason="KATYDID_REAL_VLLM=1 runs the tests with a real vLLM (3.5 GB)")


@contextmanager
def real_model_server() -> Iterator[str]:
    """llama.cpp's URL, on a port that was free; it ends with the block."""
    with _started(LLAMA, "0") as (process, said, complaints):
        deadline = time.monotonic() + START_TIME
        while time.monotonic() < deadline and process.poll() is None:
            line = said.read_text()
            if line.startswith("listening on ") and line.endswith("\n"):
                yield line.split()[-1]
                return
            time.sleep(0.1)
        pytest.fail(f"the real model server did not start: {complaints.read_text()[-2000:]}")


@contextmanager
def real_vllm(*options: str) -> Iterator[str]:
    """vLLM's URL; what is started ends with the block."""
    if VLLM_AT.startswith("http"):
        yield VLLM_AT
        return
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with _started(VLLM, str(port), *options) as (process, _, complaints):
        deadline = time.monotonic() + VLLM_START_TIME
        while time.monotonic() < deadline and process.poll() is None:
            if _is_healthy(url):
                yield url
                return
            time.sleep(0.5)
        pytest.fail(f"vLLM did not start: {complaints.read_text()[-2000:]}")


def _is_healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=2) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


@contextmanager
def _started(script: Path, *words: str) -> Iterator[tuple[subprocess.Popen, Path, Path]]:
    """The process, and the files of what it says and complains of."""
    with tempfile.TemporaryDirectory() as folder:
        said, complaints = Path(folder, "stdout"), Path(folder, "stderr")
        with said.open("w") as out, complaints.open("w") as err:
            process = subprocess.Popen(["bash", str(script), *words], stdout=out, stderr=err)
        try:
            yield process, said, complaints
        finally:
            process.terminate()
            process.wait(timeout=60)
