"""Does a long run need ever more memory? An hour at 500 requests/s, watched from outside.

    python benchmarks/endurance.py --minutes 60
    python benchmarks/endurance.py --minutes 60 --workload batch --metrics

One generator process loads the embedded target; its memory and descriptors are read every few seconds. After the
settling time, the memory of each minute must stay within `--bound` of the first minute's. The number of descriptors
must not grow; connections, which are counted separately, may reach the number of users. Every answer in the target's
log must have a row, and the run folder must stay small. Prints a table and the bounds that were exceeded; the exit code
is then 1. Descriptors are only counted on Linux.
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
"""Memory may grow in this many first seconds of a run, but at most in this share of it."""
MORE_DESCRIPTORS = 5
"""Tolerance for descriptors that are open only for a moment, such as a file being written."""
BYTES_A_ROW = 150.0
"""Limit of the compressed samples on disk, per row; reports do not grow with the rows."""
MOST_REPORTS = 8e6
"""Limit of the two pages and the summary together, in bytes."""
LOWEST_RATE = 0.95
"""The achieved rate must be at least this share of the requested rate."""
STARTING = 1.0
"""Seconds in which users are started, and send less."""
END_TIME = 600.0
"""Time-out of the drain and the reports, in seconds."""


@dataclass(frozen=True)
class Look:
    """The generator at one moment, all its processes together.

    Attributes:
        at: seconds since the start of the load.
        memory: resident memory in bytes.
        descriptors: open descriptors without connections; 0 if they cannot be counted.
        connections: number of TCP sockets.
        rows_bytes: size of the rows on disk.
    """

    at: float
    memory: int
    descriptors: int
    connections: int
    rows_bytes: int


@dataclass(frozen=True)
class Minute:
    """Medians of the observations of one minute."""

    number: int
    memory: float
    descriptors: float
    connections: float
    rows_bytes: float


@dataclass(frozen=True)
class Ended:
    """The results of the run.

    Attributes:
        asked_s: requested seconds of load.
        rows, answered, missing: number of samples; of answered requests in the target's log; of these without a row.
        samples_bytes, reports_bytes: sizes of the files.
        reporting_s, reporting_memory: duration of drain and reports, and peak memory during them.
        valid, reasons: whether the run is valid by its own summary, and why not.
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
    """Group observations by periods of the run."""
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
    """Return a sentence for each bound that was exceeded.

    Args:
        settled: minutes after the settling time; the others are compared with the first.
        ended: results of the run.
        rate: requested rate in requests/s.
        users: number of users, each with at most one request in flight.
        bound: share by which memory may differ.
    """
    said = []
    if len(settled) < 2:
        said.append("the run was too short to judge its memory")
    else:
        first = settled[0]
        worst = max(settled, key=lambda each: abs(each.memory - first.memory))
        change = worst.memory / first.memory - 1
        if abs(change) > bound:
            said.append(f"memory changed by {change:+.1%} (bound {bound:.0%})")
        more = max(each.descriptors for each in settled) - first.descriptors
        if more > MORE_DESCRIPTORS:
            said.append(f"{more:.0f} more descriptors than after settling (bound {MORE_DESCRIPTORS})")
        connections = max(each.connections for each in settled)
        if connections > users + MORE_DESCRIPTORS:
            said.append(f"{connections:.0f} connections for {users} users")
    if ended.missing:
        said.append(f"{ended.missing} answers of the target have no row")
    if ended.rows < LOWEST_RATE * rate * (ended.asked_s - STARTING):
        said.append(f"{ended.rows / ended.asked_s:.0f} requests/s instead of {rate:g}")
    if ended.rows and ended.samples_bytes / ended.rows > BYTES_A_ROW:
        said.append(f"{ended.samples_bytes / ended.rows:.0f} bytes per row on disk (bound {BYTES_A_ROW:.0f})")
    if ended.reports_bytes > MOST_REPORTS:
        said.append(f"reports of {ended.reports_bytes / 1e6:.1f} MB (bound {MOST_REPORTS / 1e6:.0f} MB)")
    return said


def main() -> int:
    """Make the run, watch it, print the figures, and judge them."""
    parser = argparse.ArgumentParser(description="Make a long run, and check that its memory does not grow.")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=500.0, help="requests/s (default: 500)")
    parser.add_argument("--users", type=int, default=250)
    parser.add_argument("--workload", choices=("stream", "batch"), default="stream")
    parser.add_argument("--metrics", action="store_true", help="also serve Prometheus metrics, which need memory")
    parser.add_argument("--every", type=float, default=10.0, help="seconds between two observations (default: 10)")
    parser.add_argument("--bound", type=float, default=0.05, help="share by which memory may differ (default: 0.05)")
    parser.add_argument("--results", type=Path, help="keep the run here (default: a temporary folder)")
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
        print(f"EXCEEDED: {complaint}")
    return int(bool(complaints))


def run(asked: argparse.Namespace, folder: Path, truth: Path) -> tuple[list[Look], Ended]:
    """Load the target, and observe the generator until it has ended.

    Raises:
        SystemExit: it left no result.
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
    raise SystemExit("the generator never loaded the target")


def _watch(
    process: subprocess.Popen[bytes], folder: Path, seconds: float, every: float
) -> tuple[list[Look], float, int]:
    """Observe until the load ends; also return how long drain and reports took, and their peak memory."""
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
    """Return memory, descriptors without connections, and connections."""
    memory = descriptors = connections = 0
    try:
        for each in (root, *root.children(recursive=True)):
            memory += each.memory_info().rss
            descriptors += each.num_fds() if hasattr(each, "num_fds") else 0
            connections += len(each.net_connections("tcp"))
    except psutil.NoSuchProcess:
        pass  # it has just ended
    return memory, max(0, descriptors - connections), connections


def _ended(run_folder: Path, truth: Path, seconds: float, reporting_s: float, reporting_memory: int) -> Ended:
    rows = set(pq.read_table(run_folder / "samples.parquet", columns=["request_id"])["request_id"].to_pylist())
    answered = missing = 0
    with truth.open(encoding="utf-8") as lines:
        for line in lines:
            truth_row = json.loads(line)
            if truth_row["request_id"] and truth_row["outcome"] == "sent":
                answered += 1
                missing += truth_row["request_id"] not in rows
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
    """Print the figures over time, and the results."""
    print("from (s)  memory (MB)  descriptors  connections  rows on disk (MB)")
    for part in parts:
        start = part.number * period
        print(
            f"{start:8.0f}  {part.memory / 1e6:11.1f}  {part.descriptors:11.0f}  {part.connections:11.0f}  "
            f"{part.rows_bytes / 1e6:17.1f}"
        )
    print(
        f"{ended.rows} rows in {ended.asked_s:.0f} s ({ended.rows / ended.asked_s:.1f}/s); "
        f"{ended.answered} answers in the target's log, {ended.missing} of them without a row"
    )
    print(
        f"samples.parquet {ended.samples_bytes / 1e6:.1f} MB ({ended.samples_bytes / max(1, ended.rows):.0f} bytes per "
        f"row), reports {ended.reports_bytes / 1e6:.2f} MB"
    )
    print(f"written in {ended.reporting_s:.0f} s after the load, with at most {ended.reporting_memory / 1e6:.0f} MB")
    print("the run is valid" if ended.valid else f"the run is INVALID: {'; '.join(ended.reasons)}")


if __name__ == "__main__":
    sys.exit(main())
