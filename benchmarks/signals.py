"""What do signals cost a run? 200 of them at random moments: nothing older than a second may be lost, nothing invented.

    python benchmarks/signals.py [--runs 200] [--seed 0] [--json FILE]

Each run has an arrival mode of its own (paced, closed, rate, with and without worker processes) and gets one signal
between its start and a second after its end: `kill -9` of one process, of the master, of a worker, of all; SIGTERM,
SIGHUP; SIGSTOP with SIGCONT a while later. The target's own log is the truth. Afterwards `katydid report` reads what is
left. Prints a line a run, and a table at the end; exits with 1 where a rule was broken:

- no request that the target had ended a second before the signal is missing from the rows, and none is there twice;
- no run whose process was killed is called whole, and none that stood still in its window is called valid;
- no traceback, and nothing of ours goes on once the run's processes are gone for 30 s.

Needs the repository's environment, a quiet machine, and about 15 s a run.
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
DEEDS = ("kill master", "kill worker", "kill all", "SIGTERM", "SIGHUP", "stop master", "stop worker")
SLACK = 1.0
"""Seconds before the signal whose rows may be lost."""
STOOD = 1.5
"""Seconds that a process is stopped for: long enough to spoil what it measures."""


@dataclass
class Outcome:
    """What became of a run."""

    number: int
    mode: str
    deed: str
    after_s: float
    code: int | None = None
    rows: int = 0
    lost: int = 0
    twice: int = 0
    valid: bool | None = None
    partial: bool | None = None
    broken: list[str] = field(default_factory=list)

    def line(self) -> str:
        """For people."""
        state = {None: "no run", True: "valid", False: "invalid"}[self.valid] + ", partial" * bool(self.partial)
        told = f"{self.number:3} {self.mode:18} {self.deed:12} at {self.after_s:4.1f} s: code {self.code}, {state}"
        rows = f"{self.rows} rows, {self.lost} lost, {self.twice} twice"
        return f"{told}, {rows}" + "".join(f"\n    BROKEN: {why}" for why in self.broken)


def main() -> int:
    """Run them one after the other."""
    parser = argparse.ArgumentParser(description="Send signals to runs at random moments.")
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write the outcomes")
    asked = parser.parse_args()
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup has it ignored, also by the runs
    dice = random.Random(asked.seed)  # noqa: S311 - the same every time, so that a failure can be found again
    outcomes = []
    for number in range(asked.runs):
        mode = list(MODES)[number % len(MODES)]
        deed = dice.choice([d for d in DEEDS if "worker" not in d or "worker" in mode])
        outcomes.append(_run(Outcome(number + 1, mode, deed, round(dice.uniform(0.5, SECONDS + 1.0), 1))))
        print(outcomes[-1].line(), flush=True)
    if asked.json:
        asked.json.write_text(json.dumps([asdict(outcome) for outcome in outcomes], indent=1))
    for deed, count in sorted(Counter(outcome.deed for outcome in outcomes).items()):
        bad = sum(bool(outcome.broken) for outcome in outcomes if outcome.deed == deed)
        print(f"{deed:12} {count:4} runs, {bad} broke a rule")
    lost = max((outcome.lost for outcome in outcomes), default=0)
    broken = sum(bool(outcome.broken) for outcome in outcomes)
    print(f"{broken} of {len(outcomes)} runs broke a rule; rows older than {SLACK:g} s that were lost: {lost} at most")
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
            _do(outcome.deed, running)
            outcome.code = running.wait(60)
            _wait_for(lambda: not _ours(running), 30)
            if left := _ours(running):
                outcome.broken.append(f"{len(left)} processes go on")
        finally:
            running.kill_all()
        _judge(outcome, Path(name) / "w", target.log(), at, running)
    return outcome


def _do(deed: str, running: Running) -> None:
    what, _, whom = deed.partition(" ")
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
    elif what == "SIGHUP":  # which a terminal sends to all
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
        outcome.broken.append("a traceback of the report")
    run = load_run(paths[0])
    rows, summary = run.samples()["request_id"], json.loads((paths[0] / "summary.json").read_text())
    outcome.valid, outcome.partial = bool(summary["valid"]), bool(run.manifest().partial)
    outcome.rows, outcome.twice = len(rows), int(rows.duplicated().sum())
    known = set(rows)
    outcome.lost = sum(line["request_id"] not in known for line in _ended_before(log, at - SLACK))
    if outcome.lost:
        outcome.broken.append(f"{outcome.lost} rows older than {SLACK:g} s are lost")
    if outcome.twice:
        outcome.broken.append(f"{outcome.twice} rows are there twice")
    inside = outcome.after_s + STOOD < SECONDS - 1.0
    if inside and outcome.deed in {"kill master", "kill all"} and not outcome.partial:
        outcome.broken.append("a killed run is called whole")
    loads = outcome.deed.endswith("worker") or (outcome.deed == "stop master" and "workers" not in outcome.mode)
    if inside and loads and outcome.valid:
        outcome.broken.append("valid, although what sends its requests was disturbed")


def _ended_before(log: list[dict[str, object]], at: float) -> list[dict[str, object]]:
    """Requests that the target had answered whole by then, the looks before the load left out."""
    sent = [line for line in log if line["outcome"] == "sent" and line["request_id"] != "preflight"]
    return [line for line in sent if int(str(line["ended_real_ns"])) / 1e9 < at]


def _ours(running: Running) -> list[psutil.Process]:
    """Processes of the run that are still there: they share its session."""
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
