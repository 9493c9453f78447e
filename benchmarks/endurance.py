"""Does a long run stay as small as it was? An hour at 500 requests a second, watched from outside.

    python benchmarks/endurance.py --minutes 60
    python benchmarks/endurance.py --minutes 60 --workload batch --metrics

One generator process loads the embedded target; its memory and its descriptors are read every few seconds.
After the settling time the memory of each minute must stay within `--bound` of the first one's, the descriptors
must stay where they are, but for connections, of which a slow moment may open as many as there are users; every
answer of the target's log must have its row, and the run folder must stay small.
Prints a table and what broke a bound; the exit code is then 1. Linux only where descriptors are counted.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil
import pyarrow.parquet as pq

from katydid.target.process import RunningTarget, start_target

TARGET = {"ttft": 0.02, "chunks": 5, "chunk_interval": 0.01}
SETTLE, SHARE_TO_SETTLE = 300.0, 1 / 3
"""Seconds of a run in which its memory may still grow; at most this share of it."""
MORE_DESCRIPTORS = 5
"""A file that is being written, a look at the machine: what may be open at one moment and not at another."""
BYTES_A_ROW = 150.0
"""Of the samples on disk, which are compressed; the reports do not grow with the rows."""
MOST_REPORTS = 8e6
"""Bytes of the two pages and the summary."""
LOWEST_RATE = 0.95
"""Share of the rate asked for: below it, another load was sustained."""
STARTING = 1.0
"""Seconds of a run in which its users are started, so that they send less."""
END_TIME = 600.0
"""Seconds for the drain and the reports."""


@dataclass(frozen=True)
class Look:
    """The generator at one moment: all its processes together.

    Attributes:
        at: seconds since it began to load.
        memory: resident bytes.
        descriptors: open ones but for connections; 0 where they cannot be counted.
        connections: TCP sockets with an address.
        rows_bytes: size of the run folder.
    """

    at: float
    memory: int
    descriptors: int
    connections: int
    rows_bytes: int


@dataclass(frozen=True)
class Minute:
    """Medians of the looks of a minute."""

    number: int
    memory: float
    descriptors: float
    connections: float
    rows_bytes: float


@dataclass(frozen=True)
class Ended:
    """What the run left.

    Attributes:
        asked_s: seconds of load that were asked for.
        rows, answered, missing: samples; requests of the target's log; those of them without a row.
        samples_bytes, reports_bytes: of the files.
        reporting_s, reporting_memory: how long the end took, and the most memory in it.
        valid: what the run says of itself, with its reasons.
    """

    asked_s: float
    rows: int
    answered: int
    missing: int
    samples_bytes: int
    reports_bytes: int
    reporting_s: float
    reporting_memory: int
    valid: bool
    reasons: list[str]


def minutes(looks: list[Look], period: float = 60.0) -> list[Minute]:
    """The looks by periods of the run."""
    grouped: dict[int, list[Look]] = {}
    for look in looks:
        grouped.setdefault(int(look.at // period), []).append(look)
    return [
        Minute(
            number,
            median(look.memory for look in group),
            median(look.descriptors for look in group),
            median(look.connections for look in group),
            median(look.rows_bytes for look in group),
        )
        for number, group in sorted(grouped.items())
    ]


def broken(settled: list[Minute], ended: Ended, *, rate: float, users: int, bound: float) -> list[str]:
    """The bounds that did not hold, a sentence each.

    Args:
        settled: minutes after the settling time; the first is what the others are compared with.
        ended: what the run left.
        rate: requests a second that were asked for.
        users: who sent them, each at most one at a time.
        bound: the share by which memory may differ.
    """
    said = []
    if len(settled) < 2:
        said.append("the run was too short to say anything of its memory")
    else:
        first = settled[0]
        worst = max(settled, key=lambda each: abs(each.memory - first.memory))
        change = worst.memory / first.memory - 1
        if abs(change) > bound:
            said.append(f"memory changed by {change:+.1%} (bound {bound:.0%})")
        more = max(each.descriptors for each in settled) - first.descriptors
        if more > MORE_DESCRIPTORS:
            said.append(f"{more:.0f} more descriptors than when it had settled (bound {MORE_DESCRIPTORS})")
        connections = max(each.connections for each in settled)
        if connections > users + MORE_DESCRIPTORS:
            said.append(f"{connections:.0f} connections of {users} users")
    if ended.missing:
        said.append(f"{ended.missing} answers of the target have no row")
    if ended.rows < LOWEST_RATE * rate * (ended.asked_s - STARTING):
        said.append(f"{ended.rows / ended.asked_s:.0f} requests/s instead of {rate:g}")
    if ended.rows and ended.samples_bytes / ended.rows > BYTES_A_ROW:
        said.append(f"{ended.samples_bytes / ended.rows:.0f} bytes a row on disk (bound {BYTES_A_ROW:.0f})")
    if ended.reports_bytes > MOST_REPORTS:
        said.append(f"reports of {ended.reports_bytes / 1e6:.1f} MB (bound {MOST_REPORTS / 1e6:.0f} MB)")
    return said


def main() -> int:
    """Run, watch, print, judge."""
    parser = argparse.ArgumentParser(description="Run for long, and see that nothing grows.")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=500.0, help="requests a second")
    parser.add_argument("--users", type=int, default=250)
    parser.add_argument("--workload", choices=("stream", "batch"), default="stream")
    parser.add_argument("--metrics", action="store_true", help="with figures for Prometheus, which keep some of it")
    parser.add_argument("--every", type=float, default=10.0, help="seconds between two looks")
    parser.add_argument("--bound", type=float, default=0.05, help="share by which memory may differ")
    parser.add_argument("--results", type=Path, help="keep the run here (default: a folder that is deleted)")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="katydid-endurance-") as name:
        folder = asked.results or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        looks, ended = run(asked, folder, Path(name) / "truth.jsonl")
    settle = min(SETTLE, SHARE_TO_SETTLE * asked.minutes * 60)
    period = min(60.0, settle / 2)
    parts = minutes(looks, period)
    show(parts, ended, period)
    settled = [each for each in parts if each.number * period >= settle]
    complaints = broken(settled, ended, rate=asked.rate, users=asked.users, bound=asked.bound)
    for complaint in complaints:
        print(f"BROKEN: {complaint}")
    return int(bool(complaints))


def run(asked: argparse.Namespace, folder: Path, truth: Path) -> tuple[list[Look], Ended]:
    """Load the target, look at the generator until it has ended.

    Raises:
        SystemExit: it did not come to its end.
    """
    seconds = asked.minutes * 60
    with start_target(**TARGET, log=str(truth)) as target:
        process = _start(asked, target, folder, seconds)
        try:
            _wait_for_load(process, target)
            looks, reporting_s, reporting_memory = _watch(process, folder, seconds, asked.every)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    found = list(folder.rglob("manifest.json"))
    if not found or not (found[0].parent / "summary.json").is_file():
        raise SystemExit(f"the run left no result (exit code {process.returncode})")
    return looks, _ended(found[0].parent, truth, seconds, reporting_s, reporting_memory)


def _start(asked: argparse.Namespace, target: RunningTarget, folder: Path, seconds: float) -> subprocess.Popen[bytes]:
    words = ["--users", asked.users, "--interval", asked.users / asked.rate, "--run-time", f"{seconds:.0f}s"]
    words += ["--failure-threshold", 0, "--version-label", "endurance", "--results", folder]
    words += ["--metrics-port", 0] if asked.metrics else []
    command = [sys.executable, "-m", "katydid", "run", asked.workload, "--host", target.url, *words]
    with (folder / "output").open("wb") as sink:
        return subprocess.Popen([str(word) for word in command], stdout=sink, stderr=subprocess.STDOUT, cwd=folder)


def _wait_for_load(process: subprocess.Popen[bytes], target: RunningTarget) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        if target.stats()["requests"] > 0:
            return
        time.sleep(0.2)
    raise SystemExit("the generator did not come to load the target")


def _watch(
    process: subprocess.Popen[bytes], folder: Path, seconds: float, every: float
) -> tuple[list[Look], float, int]:
    """Looks until the load is over; then how long the end took, and the most memory in it."""
    root = psutil.Process(process.pid)
    began = time.monotonic()
    looks: list[Look] = []
    while (at := time.monotonic() - began) < seconds - every / 2 and process.poll() is None:
        rows_bytes = sum(f.stat().st_size for f in folder.rglob("*.rows"))
        looks.append(Look(at, *_size(root), rows_bytes))
        time.sleep(min(every, max(0.0, seconds - at)))
    most = 0
    until = began + seconds + END_TIME
    while process.poll() is None and time.monotonic() < until:
        most = max(most, _size(root)[0])
        time.sleep(0.2)
    return looks, max(0.0, time.monotonic() - began - seconds), most


def _size(root: psutil.Process) -> tuple[int, int, int]:
    """Memory, descriptors but for connections, and connections."""
    memory = descriptors = connections = 0
    try:
        for each in (root, *root.children(recursive=True)):
            memory += each.memory_info().rss
            descriptors += each.num_fds() if hasattr(each, "num_fds") else 0
            connections += len(each.net_connections("tcp"))
    except psutil.NoSuchProcess:
        pass  # it has ended between two looks
    return memory, max(0, descriptors - connections), connections


def _ended(run_folder: Path, truth: Path, seconds: float, reporting_s: float, reporting_memory: int) -> Ended:
    rows = set(pq.read_table(run_folder / "samples.parquet", columns=["request_id"])["request_id"].to_pylist())
    answered = missing = 0
    with truth.open(encoding="utf-8") as lines:
        for line in lines:
            told = json.loads(line)
            if told["request_id"] and told["outcome"] == "sent":
                answered += 1
                missing += told["request_id"] not in rows
    summary = json.loads((run_folder / "summary.json").read_text(encoding="utf-8"))
    reports = sum((run_folder / name).stat().st_size for name in ("report.html", "locust.html", "summary.json"))
    return Ended(
        seconds,
        len(rows),
        answered,
        missing,
        (run_folder / "samples.parquet").stat().st_size,
        reports,
        reporting_s,
        reporting_memory,
        summary["valid"],
        summary["invalid_reasons"],
    )


def show(parts: list[Minute], ended: Ended, period: float) -> None:
    """Print the course of the run and its end."""
    print("from (s)  memory (MB)  descriptors  connections  rows on disk (MB)")
    for part in parts:
        start = part.number * period
        print(
            f"{start:8.0f}  {part.memory / 1e6:11.1f}  {part.descriptors:11.0f}  {part.connections:11.0f}  "
            f"{part.rows_bytes / 1e6:17.1f}"
        )
    print(
        f"{ended.rows} rows in {ended.asked_s:.0f} s ({ended.rows / ended.asked_s:.1f} a second); "
        f"{ended.answered} answers in the target's log, {ended.missing} of them without a row"
    )
    print(
        f"samples.parquet {ended.samples_bytes / 1e6:.1f} MB ({ended.samples_bytes / max(1, ended.rows):.0f} bytes a "
        f"row), reports {ended.reports_bytes / 1e6:.2f} MB"
    )
    print(f"written in {ended.reporting_s:.0f} s after the load, with at most {ended.reporting_memory / 1e6:.0f} MB")
    print("the run is valid" if ended.valid else f"the run is INVALID: {'; '.join(ended.reasons)}")


if __name__ == "__main__":
    sys.exit(main())
