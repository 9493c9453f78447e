"""Twenty ways to disturb a generator. Katydid must notice each of them, and call the run invalid.

    python benchmarks/spoilers.py [--seconds 12] [--json FILE] [NAME …]

Each run loads an embedded target, whose log is the truth, and is disturbed in one way. The output is what would have
been reported if nothing had noticed: the errors of p95 of TTFT and of the response time, and how far the load of the
worst second is from the mean. Then come the verdict, and the rules that noticed the disturbance. Exits with 1 if a
disturbed run is valid.

Steps of the wall clock are not among them. They change nothing, since each kernel timestamp is converted by its age
when it is read.

Needs the repository's environment, and an otherwise quiet machine: about 20 s per run.
"""

import argparse
import json
import os
import shutil
import signal
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))
from katydid.runs.folder import load_run
from katydid.target.process import start_target
from running import Running, free_port, katydid, locust

PACED = ("--users", 12, "--interval", 1)
CLOSED = ("--users", 4, "--interval", 0)
RATE = ("--rate", 12)
TWO = ("--processes", 2)
LISTENER = """
import ctypes, gc, time
from locust import events
from locust.exception import StopUser
from katydid import StreamUser
began = time.monotonic()

def spin(seconds):
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        pass

def block(seconds):
    ctypes.CDLL(None).usleep(int(seconds * 1e6))

def leave(sample, one_in):
    if time.monotonic() - began > 8 and sample.user % one_in == 0:
        raise StopUser

@events.request.add_listener
def listen(katydid_sample, **_):
    {code}

class Spoiled(StreamUser):
    pass
"""


@dataclass(frozen=True)
class Spoiler:
    """A way to disturb a run.

    Attributes:
        words: options of the run.
        code: Python code that a listener runs after every request; empty for none.
        inject: disturbs the run's process after a third of its run time.
        limits: shell command that sets limits before the run.
        host: host name to use instead of the address.
    """

    name: str
    words: tuple[object, ...] = PACED
    code: str = ""
    inject: Callable[[psutil.Process], None] = lambda _: None
    limits: str = ""
    host: str = "127.0.0.1"


def stand_still(seconds: float, whom: str = "master") -> Callable[[psutil.Process], None]:
    """Return a function that stops a process for a while."""

    def inject(master: psutil.Process) -> None:
        process = master if whom == "master" else _workers(master)[0]
        process.suspend()
        time.sleep(seconds)
        process.resume()

    return inject


def stutter(master: psutil.Process) -> None:
    """Stop the process repeatedly for a tenth of a second, as on an overcommitted machine."""
    for _ in range(20):
        stand_still(0.1)(master)
        time.sleep(0.1)


def share_cores(master: psutil.Process) -> None:
    """Run sixty busy processes on the run's only core, each in its own session, so that each gets its own share."""
    core = max(os.sched_getaffinity(0))
    master.cpu_affinity([core])
    busy = [sys.executable, "-S", "-c", "while 1: pass"]
    loops = [psutil.Popen(busy, start_new_session=True) for _ in range(60)]
    for loop in loops:
        loop.cpu_affinity([core])
    time.sleep(5)
    for loop in loops:
        loop.kill()
        loop.wait()


def lose_worker(master: psutil.Process) -> None:
    """Kill a worker, as the kernel does if memory is short."""
    _workers(master)[0].kill()


SPOILERS = (
    Spoiler("stands still 2 s, paced", inject=stand_still(2.0)),
    Spoiler("stands still 2 s, closed loop", CLOSED, inject=stand_still(2.0)),
    Spoiler("stands still 2 s, rate", RATE, inject=stand_still(2.0)),
    Spoiler("stutters", inject=stutter),
    Spoiler("stutters, closed loop", CLOSED, inject=stutter),
    Spoiler("shares its core with sixty", inject=share_cores),
    Spoiler("shares its core with sixty, closed loop", CLOSED, inject=share_cores),
    Spoiler("busy listener, 40 ms", code="spin(0.04)"),
    Spoiler("busy listener, 90 ms", code="spin(0.09)"),
    Spoiler("busy listener, rate", RATE, code="spin(0.05)"),
    Spoiler("a library that blocks for 0.5 s", code="block(0.5)"),
    Spoiler("collections of a large heap", code="x = [[] for _ in range(400000)]; gc.collect()"),
    Spoiler("no descriptors, an address", ("--users", 80, "--interval", 0), limits="ulimit -n 64"),
    Spoiler("no descriptors, a name", ("--users", 80, "--interval", 0), limits="ulimit -n 64", host="localhost"),
    Spoiler("no room for rows", limits="ulimit -f 40"),
    Spoiler("a worker is lost", (*PACED, *TWO), inject=lose_worker),
    Spoiler("a worker stands still 3 s", (*PACED, *TWO), inject=stand_still(3.0, "worker")),
    Spoiler("all users are lost", code="leave(katydid_sample, 1)"),
    Spoiler("half of the users are lost, closed loop", CLOSED, code="leave(katydid_sample, 2)"),
    Spoiler("the users are changed in the page"),
)


@dataclass
class Outcome:
    """The outcome of a disturbed run.

    Attributes:
        valid: None if the run has no summary.
        ttft_off, response_off: error of p95 against the target's own, as a fraction; response times count from when a
            request was due.
        worst_second: deviation of the requests started in the worst second from the mean, as a fraction.
        requests: number of rows.
        truly: number of requests in the target's log.
        rules: validity rules that noticed the disturbance.
    """

    name: str
    valid: bool | None
    rules: list[str]
    requests: int
    truly: int
    ttft_off: float = float("nan")
    response_off: float = float("nan")
    worst_second: float = float("nan")

    def line(self) -> str:
        """Return the outcome as a line for people."""
        word = {True: "VALID", False: "invalid", None: "no run"}[self.valid]
        times = f"TTFT {self.ttft_off:+.0%}, response {self.response_off:+.0%}, load {self.worst_second:+.0%}"
        return f"{self.name:40} {word:8} {times:45} {self.requests} of {self.truly}: {', '.join(self.rules)}"


def main() -> int:
    """Disturb a run in each way."""
    parser = argparse.ArgumentParser(description="Disturb generators, and check that each run is invalid.")
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--seconds", type=int, default=12)
    parser.add_argument("--json", type=Path, help="write the outcomes to this file")
    asked = parser.parse_args()
    outcomes = []
    for spoiler in SPOILERS:
        if not asked.names or spoiler.name in asked.names:
            outcomes.append(_spoiled(spoiler, asked.seconds))
            print(outcomes[-1].line(), flush=True)
    if asked.json:
        asked.json.write_text(json.dumps([asdict(outcome) for outcome in outcomes], indent=1))
    found = sum(not outcome.valid for outcome in outcomes)
    print(f"{found} of {len(outcomes)} disturbed runs are invalid, or have no result")
    return int(found < len(outcomes))


def _spoiled(spoiler: Spoiler, seconds: int) -> Outcome:
    with (
        TemporaryDirectory(prefix="katydid-spoiled-") as name,
        start_target(ttft=0.05, chunk_interval=0.01, chunks=10, log=f"{name}/truth.jsonl") as target,
    ):
        folder = Path(name)
        url = target.url.replace("127.0.0.1", spoiler.host)
        words = (*spoiler.words, "--failure-threshold", 0, "--warm-up", 1, "--drain", 5)
        if "page" in spoiler.name:
            _in_the_page(folder, url, seconds)
        else:
            running = _start(spoiler, folder, ("--host", url, *words, "--run-time", f"{seconds}s"))
            _wait_for(lambda: target.stats()["requests"] > 1 or running.process.poll() is not None)
            time.sleep(seconds / 3)
            if running.process.poll() is None:
                spoiler.inject(psutil.Process(running.process.pid))
            running.wait(seconds + 90)
        return _outcome(spoiler.name, folder, target.log(), seconds)


def _start(spoiler: Spoiler, folder: Path, words: tuple[object, ...]) -> Running:
    workload = "stream"
    if spoiler.code:
        workload = str(folder / "spoiled.py")
        Path(workload).write_text(LISTENER.format(code=spoiler.code))
    if not spoiler.limits:
        return katydid("run", workload, *words, folder=folder, cold=True)
    command = " ".join([str(Path(sys.executable).parent / "katydid"), "run", workload, *map(str, words)])
    return Running([shutil.which("bash") or "bash", "-c", f"{spoiler.limits}; exec {command}"], folder)


def _in_the_page(folder: Path, url: str, seconds: int) -> None:
    port = free_port()
    page = locust("--web-port", port, "--results", "reports", folder=folder)
    form = {"spawn_rate": 50, "host": url, "interval": "1", "run_time": f"{seconds}s", "warm_up": "1"}
    try:
        _wait_for(lambda: _posted(port, {"user_count": 3} | form))
        time.sleep(seconds / 3)
        _posted(port, {"user_count": 12, "spawn_rate": 50})
        _wait_for(lambda: list(folder.rglob("summary.json")))
    finally:
        page.signal(signal.SIGTERM)
        page.wait(30)


def _posted(port: int, form: dict[str, object]) -> bool:
    data = urllib.parse.urlencode(form).encode()
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/swarm", data, timeout=20) as answer:
            return bool(json.loads(answer.read())["success"])
    except OSError:
        return False


def _outcome(name: str, folder: Path, log: list[dict[str, object]], seconds: int) -> Outcome:
    found = [path.parent for path in folder.rglob("manifest.json")]
    if not found or not (found[0] / "summary.json").is_file():
        return Outcome(name, None, [], 0, len(log))
    summary = json.loads((found[0] / "summary.json").read_text())
    rows = load_run(found[0]).samples()
    outcome = Outcome(
        name,
        bool(summary["valid"]),
        [finding["rule"] for finding in summary["findings"] if finding["severity"] == "invalid"],
        len(rows),
        len(log),
    )
    rows = rows[rows["outcome"] == "ok"]
    answered = [line for line in log if line["first_chunk_mono_ns"] is not None and line["request_id"] != "preflight"]
    if not answered or rows.empty:
        return outcome
    received, first, last = (
        np.array([float(str(line[f"{what}_mono_ns"])) / 1e6 for line in answered])
        for what in ("received", "first_chunk", "last_chunk")
    )
    outcome.ttft_off = _off(rows["ttft_ms"], first - received)
    outcome.response_off = _off(rows["duration_ms"] + rows["late_ms"].fillna(0.0), last - received)
    begun = rows["start_ms"].clip(0.0, seconds * 1000.0) // 1000
    started = np.bincount(begun.astype(int), minlength=seconds)[2 : seconds - 1]  # whole seconds after the warm-up
    outcome.worst_second = float(started[np.argmax(np.abs(started - started.mean()))] / started.mean()) - 1.0
    return outcome


def _off(said: pd.Series, truth: np.ndarray) -> float:
    return float(np.percentile(said.dropna(), 95) / np.percentile(truth, 95)) - 1.0


def _workers(master: psutil.Process) -> list[psutil.Process]:
    return [child for child in master.children() if "katydid" in " ".join(child.cmdline())]


def _wait_for(condition: Callable[[], object], seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        time.sleep(0.2)


if __name__ == "__main__":
    sys.exit(main())
