"""What does a run lose through a signal? 200 runs get one each at a random moment.

    python benchmarks/signals.py [--runs 200] [--seed 0] [--json FILE]

The runs go through the arrival modes (paced, closed, rate, each with and without worker processes). Each gets one
signal between its start and a second after its end: SIGKILL to the master, a worker or all processes; SIGTERM; SIGHUP;
or SIGSTOP, followed by SIGCONT. The target's log is the truth. Afterwards `katydid report` reads what is left. Prints a
line per run, and a table at the end. Exits with 1 if a rule was violated:

- Every request that ended more than a second before the signal has exactly one row.
- A run with a killed process is marked as partial, and one that was stopped while it sent requests is invalid.
- There is no traceback, and no process of the run is left 30 s after the end of its master.

Needs the repository's environment, a quiet machine, and about 15 s per run.
"""

import argparse
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))
from katydid.runs.folder import load_run
from katydid.target.process import start_target
from running import Running, katydid

SECONDS = 8
MODES = {
    "paced": ("--users", 10, "--interval", 1),
    "closed": ("--users", 4, "--interval", 0),
    "rate": ("--rate", 10),
    "paced, 2 workers": ("--users", 10, "--interval", 1, "--processes", 2),
    "closed, 2 workers": ("--users", 4, "--interval", 0, "--processes", 2),
    "rate, 2 workers": ("--rate", 10, "--processes", 2),
}
ACTIONS = ("kill master", "kill worker", "kill all", "SIGTERM", "SIGHUP", "stop master", "stop worker")
SLACK = 1.0
"""Rows of requests that ended within this many seconds before the signal may be lost."""
STOOD = 1.5
"""A process is stopped for this many seconds: long enough to invalidate its measurements."""


@dataclass
class Outcome:
    """The outcome of a run."""

    number: int
    mode: str
    action: str
    after_s: float
    code: int | None = None
    rows: int = 0
    lost: int = 0
    twice: int = 0
    valid: bool | None = None
    partial: bool | None = None
    broken: list[str] = field(default_factory=list)

    def line(self) -> str:
        """Return the outcome as a line for people."""
        state = {None: "no run", True: "valid", False: "invalid"}[self.valid] + ", partial" * bool(self.partial)
        begin = f"{self.number:3} {self.mode:18} {self.action:12} at {self.after_s:4.1f} s: code {self.code}, {state}"
        rows = f"{self.rows} rows, {self.lost} lost, {self.twice} twice"
        return f"{begin}, {rows}" + "".join(f"\n    VIOLATED: {why}" for why in self.broken)


def main() -> int:
    """Make the runs one after the other."""
    parser = argparse.ArgumentParser(description="Send signals to runs at random moments.")
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write the outcomes to this file")
    asked = parser.parse_args()
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under nohup the runs would inherit that SIGHUP is ignored
    dice = random.Random(asked.seed)  # noqa: S311 - seeded, so that a failure can be reproduced
    outcomes = []
    for number in range(asked.runs):
        mode = list(MODES)[number % len(MODES)]
        action = dice.choice([each for each in ACTIONS if "worker" not in each or "worker" in mode])
        outcomes.append(_run(Outcome(number + 1, mode, action, round(dice.uniform(0.5, SECONDS + 1.0), 1))))
        print(outcomes[-1].line(), flush=True)
    if asked.json:
        asked.json.write_text(json.dumps([asdict(outcome) for outcome in outcomes], indent=1))
    for action, count in sorted(Counter(outcome.action for outcome in outcomes).items()):
        bad = sum(bool(outcome.broken) for outcome in outcomes if outcome.action == action)
        print(f"{action:12} {count:4} runs, {bad} violated a rule")
    lost = max((outcome.lost for outcome in outcomes), default=0)
    broken = sum(bool(outcome.broken) for outcome in outcomes)
    print(f"{broken} of {len(outcomes)} runs violated a rule; most lost rows older than {SLACK:g} s: {lost}")
    return int(broken > 0)


def _run(outcome: Outcome) -> Outcome:
    with (
        TemporaryDirectory(prefix="katydid-signals-") as name,
        start_target(ttft=0.05, chunk_interval=0.01, chunks=10, log=f"{name}/truth.jsonl") as target,
    ):
        words = (*MODES[outcome.mode], "--run-time", f"{SECONDS}s", "--warm-up", 0, "--failure-threshold", 0)
        running = katydid("run", "stream", "--host", target.url, *words, folder=Path(name) / "w", cold=True)
        try:
            _wait_for(lambda: target.stats()["requests"] > 1 or running.process.poll() is not None, 60)
            time.sleep(outcome.after_s)
            at = time.time()
            _do(outcome.action, running)
            outcome.code = running.wait(60)
            _wait_for(lambda: not _ours(running), 30)
            if left := _ours(running):
                outcome.broken.append(f"{len(left)} processes are left")
        finally:
            running.kill_all()
        _judge(outcome, Path(name) / "w", target.log(), at, running)
    return outcome


def _do(action: str, running: Running) -> None:
    what, _, whom = action.partition(" ")
    master = psutil.Process(running.process.pid) if running.process.poll() is None else None
    if master is None:
        return
    workers = [child for child in master.children() if "katydid" in " ".join(child.cmdline())]
    if what == "kill":
        for process in {"master": [master], "worker": workers[:1], "all": [master, *workers]}[whom]:
            process.kill()
    elif what == "stop":
        process = workers[0] if whom == "worker" and workers else master
        process.suspend()
        time.sleep(STOOD)
        process.resume()
    elif what == "SIGHUP":  # a terminal sends it to all processes
        os.killpg(running.process.pid, signal.SIGHUP)
    else:
        master.terminate()


def _judge(outcome: Outcome, folder: Path, log: list[dict[str, object]], at: float, running: Running) -> None:
    if "Traceback" in running.err:
        outcome.broken.append("a traceback")
    paths = sorted((folder / "reports").glob("*/*/*"))
    if not paths:
        return
    report = katydid("report", paths[0], folder=folder / "report", cold=True)
    report.wait(60)
    if "Traceback" in report.err:
        outcome.broken.append("a traceback of katydid report")
    run = load_run(paths[0])
    rows, summary = run.samples()["request_id"], json.loads((paths[0] / "summary.json").read_text())
    outcome.valid, outcome.partial = bool(summary["valid"]), bool(run.manifest().partial)
    outcome.rows, outcome.twice = len(rows), int(rows.duplicated().sum())
    known = set(rows)
    outcome.lost = sum(line["request_id"] not in known for line in _ended_before(log, at - SLACK))
    if outcome.lost:
        outcome.broken.append(f"{outcome.lost} rows older than {SLACK:g} s are lost")
    if outcome.twice:
        outcome.broken.append(f"{outcome.twice} rows are duplicates")
    inside = outcome.after_s + STOOD < SECONDS - 1.0
    if inside and outcome.action in {"kill master", "kill all"} and not outcome.partial:
        outcome.broken.append("a killed run is not marked as partial")
    loads = outcome.action.endswith("worker") or (outcome.action == "stop master" and "workers" not in outcome.mode)
    if inside and loads and outcome.valid:
        outcome.broken.append("valid, although the process that sends its requests was disturbed")


def _ended_before(log: list[dict[str, object]], at: float) -> list[dict[str, object]]:
    """Return the requests that the target had answered completely by then, without preflight requests."""
    sent = [line for line in log if line["outcome"] == "sent" and line["request_id"] != "preflight"]
    return [line for line in sent if int(str(line["ended_real_ns"])) / 1e9 < at]


def _ours(running: Running) -> list[psutil.Process]:
    """Return the living processes of the run, which share its process session."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == running.process.pid and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (ProcessLookupError, psutil.Error):
            continue
    return found


def _wait_for(condition: Callable[[], object], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main())
