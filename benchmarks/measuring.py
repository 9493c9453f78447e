"""Measures one client in one scenario: its CPU time in a steady window, and its TTFTs against the target's log."""

import os
import signal
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
from clients import Client, Said, Scenario, Start, environment

from katydid.doctor.trial import pinned, share_out
from katydid.target.process import RunningTarget
from katydid.target.settings import TargetSettings

START_TIME, SETTLE, WINDOW, END_TIME = 120.0, 8.0, 8.0, 90.0


@dataclass
class Measured:
    """Figures of one measurement.

    Attributes:
        us_each: microseconds of CPU per chunk, or per request if answers are not streamed.
        per_s: chunks or requests per second in the window.
        cpu: CPU of all of the client's processes, in cores.
        others_cpu: CPU of all processes except client and target.
        ttft_error_p99: in milliseconds; see `matched`.
        matched: `request` if errors are per request; `distribution` if the quantiles of the client's TTFTs are compared
            with those of the true ones.
        compared: number of TTFTs compared.
    """

    client: str
    scenario: str
    us_each: float
    per_s: float
    cpu: float
    target_cpu: float
    others_cpu: float
    ttft_error_p50: float | None
    ttft_error_p99: float | None
    matched: str | None
    compared: int

    def as_dict(self) -> dict[str, object]:
        """Return the figures for JSON."""
        return asdict(self)


def measure(client: Client, scenario: Scenario, bin_folder: Path, folder: Path) -> Measured:
    """Measure a client in a scenario.

    Raises:
        RuntimeError: it did not load the target, or left no results.
    """
    cores = share_out()
    with pinned(cores.target):
        target = RunningTarget(TargetSettings(**scenario.target, log=str(folder / "truth.jsonl")))
    with target:
        words, more = client.command(Start(bin_folder, target.url, folder, scenario))
        one_core = frozenset(sorted(cores.generator)[:1]) if cores.generator else None
        with (folder / "output").open("wb") as sink, pinned(one_core):
            process = subprocess.Popen(
                words, cwd=folder, env=environment(more), stdin=subprocess.DEVNULL, stdout=sink,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        try:
            _wait_for_load(process, target, scenario)
            before, real = _cpu(process.pid, target.pid), time.time_ns()
            time.sleep(WINDOW)
            after, until = _cpu(process.pid, target.pid), time.time_ns()
            process.wait(END_TIME)
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"it did not end by itself: {_last_lines(folder)}") from None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        truth = pd.DataFrame(target.log())
    seconds = (until - real) / 1e9
    mine, targets, everybody = (b - a for a, b in zip(before, after, strict=True))
    number = _done_between(truth, real, until, scenario)
    p50, p99, matched, compared = _errors(client.said(folder), truth) if scenario.stream else (None, None, None, 0)
    if scenario.stream and not compared:
        raise RuntimeError(f"it reported no TTFT: {_last_lines(folder)}")
    return Measured(
        client.name, scenario.name, mine / number * 1e6, number / seconds, mine / seconds, targets / seconds,
        max(0.0, everybody - mine - targets) / seconds, p50, p99, matched, compared,
    )  # fmt: skip


def _wait_for_load(process: subprocess.Popen[bytes], target: RunningTarget, scenario: Scenario) -> None:
    until = time.monotonic() + START_TIME
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"it ended early: {_last_lines(Path(target.settings.log or '').parent)}")
        stats = target.stats()
        if stats["requests"] >= 2 * scenario.streams or stats["in_flight"] >= 0.8 * scenario.streams:
            time.sleep(SETTLE)
            return
        time.sleep(0.2)
    raise RuntimeError("it never loaded the target")


def _last_lines(folder: Path) -> str:
    lines = (folder / "output").read_text(errors="replace").strip().splitlines()
    return " ".join(lines[-3:])[-300:]


def _cpu(client: int, target: int) -> tuple[float, float, float]:
    """Return CPU seconds of the client's processes, of the target's, and of the whole machine."""
    times = psutil.cpu_times()
    return _tree(client), _tree(target), sum(times) - times.idle - times.iowait - times.guest - times.guest_nice


def _tree(root: int) -> float:
    total = 0.0
    process = psutil.Process(root)
    for each in (process, *process.children(recursive=True)):
        try:
            spent = each.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += spent.user + spent.system
    return total


def _done_between(truth: pd.DataFrame, begin: int, end: int, scenario: Scenario) -> float:
    """Return how many chunks the target sent in the window, or how many requests it answered."""
    if not scenario.stream:
        return float(truth["ended_real_ns"].between(begin, end).sum())
    first, last = truth["first_chunk_real_ns"], truth["last_chunk_real_ns"]
    inside = (last.clip(upper=end) - first.clip(lower=begin)).clip(lower=0.0)
    share = (inside / (last - first).where(last > first)).fillna(first.between(begin, end).astype(float))
    return float((share * truth["chunks"]).sum())


def _errors(said: Said, truth: pd.DataFrame) -> tuple[float | None, float | None, str | None, int]:
    known = truth[truth["first_chunk_mono_ns"].notna()].set_index("request_id")
    true = (known["first_chunk_mono_ns"] - known["received_mono_ns"]) / 1e6
    if isinstance(said, dict):
        errors = (pd.Series(said) - true).dropna()
        if len(errors):
            return float(errors.median()), float(errors.abs().quantile(0.99)), "request", len(errors)
        said = list(said.values())
    if not said:
        return None, None, None, 0
    p50, p99 = (float(np.quantile(said, q) - true.quantile(q)) for q in (0.5, 0.99))
    return p50, p99, "distribution", len(said)
