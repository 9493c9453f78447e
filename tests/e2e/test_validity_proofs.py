"""A generator that is throttled on purpose must say so itself: the run is invalid, for the right reason."""

import contextlib
import os
import shutil
import subprocess
import sys

import pytest

from katydid.target.process import start_target
from running import BIN, Running, the_run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.e2e,
    pytest.mark.skipif(sys.platform != "linux", reason="the means of throttling are Linux's"),
]


def can(*command) -> bool:
    return (
        shutil.which(command[0]) is not None
        and not subprocess.run(command, capture_output=True, check=False).returncode
    )


def reasons(done: Running, folder) -> str:
    """Why the run is invalid, in one text."""
    assert done.wait(90) == 4, done.out + done.err
    run = the_run(folder / "reports")
    assert not run.summary["valid"]
    return " | ".join(run.summary["invalid_reasons"])


def run_words(url, *, users, interval, seconds):
    return [
        BIN / "katydid", "run", "stream", "--host", url, "--users", users, "--interval", interval, "--run-time",
        f"{seconds}s", "--spawn-rate", users, "--drain", "2",
    ]  # fmt: skip


@contextlib.contextmanager
def busy_loops(core, count):
    """Processes that do nothing but take their share of a core."""
    loops = [
        subprocess.Popen(["taskset", "-c", str(core), sys.executable, "-c", "while True: pass"]) for _ in range(count)
    ]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


@pytest.mark.skipif(not can("taskset", "-c", "0", "true"), reason="taskset pins a process to a core")
def test_a_generator_that_has_to_share_its_core(tmp_path):
    core = max(os.sched_getaffinity(0))
    with start_target(ttft=0.05, chunk_interval=0.0, chunks=2000) as target, busy_loops(core, 3):
        words = run_words(target.url, users=40, interval=0.4, seconds=8)
        done = Running(["taskset", "-c", core, *words, "--check", "full", "--max-tokens", "5000"], tmp_path)
        said = reasons(done, tmp_path)
    assert "waited for one in" in said
    assert "other work" in said


@pytest.mark.skipif(not can("prlimit", "--nofile=64:64", "true"), reason="prlimit sets the limit")
def test_a_generator_that_may_open_64_files(tmp_path):
    with start_target(ttft=1.0, chunks=10) as target:
        words = run_words(target.url, users=200, interval=2, seconds=5)
        said = reasons(Running(["prlimit", "--nofile=64:64", *words], tmp_path), tmp_path)
    assert "out_of_descriptors" in said
    assert "ulimit -n" in said


BLOCKED = "ip link set lo up && echo '50000 50009' > /proc/sys/net/ipv4/ip_local_port_range"


@pytest.mark.skipif(not can("unshare", "-n", "sh", "-c", BLOCKED), reason="a network of its own needs root")
def test_a_generator_that_has_ten_ports(tmp_path):
    script = f'{BLOCKED} && exec "$@"'
    words = ["--embedded-target=--ttft 1s --chunks 10", "--users", "40", "--interval", "2", "--spawn-rate", "40"]
    done = Running(
        ["unshare", "-n", "sh", "-c", script, "sh", BIN / "katydid", "run", "stream", *words, "--run-time", "5s"],
        tmp_path,
    )
    said = reasons(done, tmp_path)
    assert "out_of_ports" in said
    assert "use more machines" in said
