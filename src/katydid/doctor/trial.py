"""Runs a calibration trial: a real run against the embedded target, each on its own cores.

The run is `katydid run` in a separate process, as users start it. `analysis` judges the outcome.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median
from tempfile import TemporaryDirectory

import pandas as pd
import psutil

from katydid.model.documents.summary import Summary
from katydid.model.errors import ConfigError, NoDataError
from katydid.model.formatting import plural
from katydid.runs.folder import RunFolder
from katydid.target.process import RunningTarget
from katydid.target.settings import TargetSettings

TTFT, GAP, CHUNKS = 0.1, 0.02, 35
"""Settings of the streams: chunks come one by one, so that each costs a wake-up, as with real servers."""
INTERVAL = 0.9
"""Seconds between a user's requests; a stream takes 0.78 s, so that about 87 % of the users have one in flight."""
WARM_UP = 1.0
LONGEST = 120.0
"""Seconds beyond its run time after which a run is given up."""


@dataclass(frozen=True, slots=True)
class Cores:
    """Cores of target and generator; None if they are not pinned, for want of cores or of support by the system."""

    target: frozenset[int] | None
    generator: frozenset[int] | None

    @property
    def processes(self) -> int:
        """Processes for a generator that uses all cores except the target's."""
        return len(self.generator) if self.generator else max(1, (os.cpu_count() or 1) - 1)


def share_out() -> Cores:
    """Give the first core to the target and the others to the generator."""
    mine = sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else []
    if len(mine) < 2:
        return Cores(None, None)
    return Cores(frozenset(mine[:1]), frozenset(mine[1:]))


@dataclass(frozen=True, slots=True)
class TrialOutcome:
    """The data of a trial.

    Attributes:
        window: (begin, end) of the evaluated part of the run, in milliseconds.
        target_cpu: median CPU of the target while it was busy; 1 = one core.
        others_cpu: mean CPU of all processes except target and generator; 1 = one core.
    """

    samples: pd.DataFrame
    monitor: pd.DataFrame
    truth: pd.DataFrame
    summary: Summary
    window: tuple[float, float]
    target_cpu: float | None
    others_cpu: float


def run_trial(users: int, seconds: float, processes: int, cores: Cores) -> TrialOutcome:
    """Run a trial with `users` users for `seconds` seconds.

    Raises:
        ConfigError: the run failed.
        NoDataError: the run left no results.
    """
    with TemporaryDirectory(prefix="katydid-calibrate-") as name:
        folder = Path(name)
        log = folder / "truth.jsonl"
        with pinned(cores.target):
            target = RunningTarget(TargetSettings(ttft=TTFT, chunk_interval=GAP, chunks=CHUNKS, log=str(log)))
        words = [
            "run", "stream", "--host", target.url, "--users", str(users), "--spawn-rate", str(users), "--interval",
            str(INTERVAL), "--run-time", f"{seconds:g}s", "--warm-up", str(WARM_UP), "--failure-threshold", "0",
            "--max-tokens", "100000", "--version-label", "calibration", "--results", "runs",
            *(["--processes", str(processes)] if processes > 1 else []),
        ]  # fmt: skip
        with target:
            one_core = frozenset(sorted(cores.generator)[:1]) if cores.generator and processes == 1 else cores.generator
            busy, others = _generate(target, folder, words, one_core, seconds)
            truth = pd.DataFrame(target.log())
        manifests = list((folder / "runs").rglob("manifest.json"))
        run = RunFolder(manifests[0].parent) if manifests else None
        summary = run.summary() if run else None
        if run is None or summary is None or truth.empty:
            raise NoDataError("the run left no results: see `katydid run stream --embedded-target`")
        at_work = [share for share in busy if share > max(busy) / 2]
        return TrialOutcome(
            samples=run.samples(),
            monitor=run.monitor(),
            truth=truth,
            summary=summary,
            window=(WARM_UP * 1000.0, float(run.manifest().stopped_at_ms or seconds * 1000.0)),
            target_cpu=median(at_work) if at_work else None,
            others_cpu=others,
        )


def _generate(
    target: RunningTarget, folder: Path, words: list[str], cores: frozenset[int] | None, seconds: float
) -> tuple[list[float], float]:
    """Run the generator; return the target's CPU in each second and the mean CPU of all others, in cores."""
    out = folder / "output"
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("LOCUST_", "LOAD_TEST_"))}
    with out.open("wb") as sink, pinned(cores):
        process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "katydid", *words],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
        )
    try:
        load = _watch(process, target.pid, seconds + LONGEST)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
    if process.returncode not in {0, 1, 4}:
        said = out.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        who = plural(int(words[words.index("--users") + 1]), "user")
        raise ConfigError(f"the run of {who} exited with code {process.returncode}: {' '.join(said[-2:])}")
    return load


def _watch(process: subprocess.Popen[bytes], target: int, longest: float) -> tuple[list[float], float]:
    """Wait for the run; see `_generate`."""
    watched, generator = psutil.Process(target), psutil.Process(process.pid)
    busy: list[float] = []
    others: list[float] = []
    watched.cpu_percent()

    def others_seconds() -> float:
        return _busy_seconds() - _seconds_of(watched, generator)

    began = time.monotonic()
    used = others_seconds()
    while time.monotonic() - began < longest:
        before = time.monotonic()
        try:
            process.wait(1.0)
            break
        except subprocess.TimeoutExpired:
            busy.append(watched.cpu_percent() / 100.0)
            used_before, used = used, others_seconds()
            others.append((used - used_before) / (time.monotonic() - before))
    return busy, max(0.0, mean(others)) if others else 0.0


def _busy_seconds() -> float:
    """CPU seconds used by the whole machine."""
    times = psutil.cpu_times()
    return float(sum(times[:3]) + sum(getattr(times, name, 0.0) for name in ("irq", "softirq", "steal")))


def _seconds_of(*processes: psutil.Process) -> float:
    """CPU seconds used by these processes and their children."""
    total = 0.0
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            for each in (process, *process.children(recursive=True)):
                with suppress(psutil.NoSuchProcess):
                    times = each.cpu_times()
                    total += times.user + times.system
    return total


@contextmanager
def pinned(cores: frozenset[int] | None) -> Iterator[None]:
    """Run the processes started in the block on these cores."""
    if cores is None or sys.platform != "linux":
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
