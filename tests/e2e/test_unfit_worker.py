"""A worker that lacks what the master has ends the run with one line on both sides."""

import pytest

from katydid.target.process import start_target
from running import free_port, locust

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_a_worker_without_a_headers_variable_ends_the_run_and_says_why(tmp_path):
    port = free_port()
    with start_target(ttft=0.0) as target:
        master = locust(
            "--master", "--headless", "--expect-workers", 1, "--master-bind-port", port, "--host", target.url,
            "-u", 2, "-t", "20s", "--interval", 1, "--header", "X-Team=env:ONLY_THE_MASTER_HAS_THIS",
            folder=tmp_path / "master", env={"ONLY_THE_MASTER_HAS_THIS": "x"},
        )  # fmt: skip
        worker = locust("--worker", "--master-port", port, folder=tmp_path / "worker")
        assert master.wait(40) == 4
        worker.wait(20)
    why = "--header X-Team: the variable ONLY_THE_MASTER_HAS_THIS is not set"
    assert f"worker-0 cannot take part: {why}: the run ends" in master.err
    assert f"this worker cannot take part: {why}" in worker.err
    assert "Traceback" not in worker.err + master.err
