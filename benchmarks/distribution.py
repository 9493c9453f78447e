"""Are distributed runs complete, exact, and invalid when they should be? Each process runs in a network namespace.

    sudo .venv/bin/python benchmarks/distribution.py [CASE ...]

Each case prints its outcome and whether that is right; the exit code is 1 if something is wrong. Rows are compared with
the target's log. Needs Linux, root and iproute2.
"""

import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from namespaces import Network, why_not

KATYDID = Path(sys.executable).parent / "katydid"
WORKERS = ("worker-a", "worker-b")
PORT = 8080
SHORT_CUT = 5.0
"""A worker survives a cut of this many seconds. TCP doubles its retransmission time-out, so the master may only receive
its messages after ten."""


@dataclass
class Outcome:
    """The outcome of a run.

    Attributes:
        code: the master's exit code.
        told: what the master printed.
        truth: the target's log.
        said: observations that are right.
        wrong: observations that are wrong.
    """

    code: int
    told: str
    manifest: dict[str, Any]
    summary: dict[str, Any]
    samples: pd.DataFrame
    truth: pd.DataFrame
    said: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def see(self, what: str, *, good: bool) -> None:
        """Note an observation, and whether it is right."""
        (self.said if good else self.wrong).append(what)

    @property
    def missing(self) -> pd.DataFrame:
        """Requests that the target answered, but that have no row."""
        return self.truth[~self.truth["request_id"].isin(self.samples["request_id"])]


class Cluster:
    """A target, a master and two workers, each on its own host."""

    def __init__(self, network: Network, folder: Path) -> None:
        self.network = network
        self.folder = folder
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self, host: str, *words: object) -> "subprocess.Popen[bytes]":
        """Start a Katydid command on a host; its output goes to a file."""
        with self.output(host).open("ab") as out:
            process = subprocess.Popen(
                self.network.command(host, KATYDID, *words),
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
                cwd=self.folder,
            )
        self._running.append(process)
        return process

    def output(self, host: str) -> Path:
        """Return the file with the output of a host."""
        return self.folder / f"{host}.out"

    def target(self, *words: object) -> str:
        """Start the target, and return its URL."""
        address = self.network.address("target")
        self.start("target", "target", "--host", address, "--port", PORT, "--log", "truth.jsonl", *words)
        _wait(lambda: "listening" in self.output("target").read_text(), 20, "the target")
        return f"http://{address}:{PORT}"

    def worker(self, host: str) -> "subprocess.Popen[bytes]":
        """Start a worker. `ip netns exec` replaces itself with the worker, so the process id is the worker's."""
        return self.start(host, "run", "stream", "--worker", "--master-host", self.network.address("master"))

    def run(self, *words: object, during: Callable[["Cluster", list[Any]], None] | None = None) -> Outcome:
        """Make a run with both workers, call `during` after its start, and wait for its end."""
        url = f"http://{self.network.address('target')}:{PORT}"
        master = self.start(
            "master", "run", "stream", "--master", "--expect-workers", len(WORKERS), "--host", url, *words
        )
        workers = [self.worker(host) for host in WORKERS]
        if during is not None:
            _wait(lambda: list(self.folder.rglob("manifest.json")), 120, "the start of the run")
            during(self, workers)
        code = master.wait(150)
        for worker in workers:
            worker.wait(30)
        (found,) = (path.parent for path in self.folder.rglob("manifest.json"))
        truth = pd.DataFrame(map(json.loads, (self.folder / "truth.jsonl").read_text().splitlines()))
        return Outcome(
            code=code,
            told=self.output("master").read_text(),
            manifest=json.loads((found / "manifest.json").read_text()),
            summary=json.loads((found / "summary.json").read_text()),
            samples=pd.read_parquet(found / "samples.parquet"),
            truth=truth[truth["path"] == "/v1/chat/completions"],
        )

    def stop(self) -> None:
        """End all processes that are still running."""
        for process in self._running:
            if process.poll() is None:
                process.terminate()
        for process in self._running:
            process.wait(20)


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Yield a cluster with its hosts and a temporary folder."""
    with tempfile.TemporaryDirectory() as folder, Network("target", "master", *WORKERS) as network:
        made = Cluster(network, Path(folder))
        try:
            yield made
        finally:
            made.stop()


def _wait(until: Callable[[], Any], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not until():
        if time.monotonic() > deadline:
            raise TimeoutError(f"no sign of {what} within {seconds:g} s")
        time.sleep(0.05)


def whole(made: Cluster) -> Outcome:
    """Two workers, undisturbed."""
    made.target()
    done = made.run("--users", 20, "--interval", 2, "--run-time", "14s", "--warm-up", 4)
    _valid(done)
    _complete(done)
    by_worker = done.samples["worker"].value_counts().to_dict()
    done.see(f"rows by worker: {by_worker}", good=len(by_worker) == len(WORKERS))
    return done


def threshold(made: Cluster) -> Outcome:
    """The failure threshold is reached, with failures on both workers."""
    made.target("--fail", "http_500=0.25", "--seed", 3)
    done = made.run("--users", 40, "--interval", 0.5, "--run-time", "30s", "--failure-threshold", 17)
    failed = done.samples[(done.samples["outcome"] == "failed") & ~done.samples["after_stop"]]
    by_worker = failed["worker"].value_counts().to_dict()
    done.see(f"failed rows before the stop: {len(failed)} of 17, by worker {by_worker}", good=len(failed) == 17)
    done.see("failures came from both workers", good=len(by_worker) == len(WORKERS))
    done.see(f"ended by {done.manifest['ended']}", good=done.manifest["ended"] == "failure-threshold")
    done.see(f"exit code {done.code}", good=done.code == 0)
    _complete(done)
    return done


def _short_cut(made: Cluster, _: list[Any]) -> None:
    time.sleep(6)
    made.network.cut(WORKERS[0])
    time.sleep(SHORT_CUT)
    made.network.heal(WORKERS[0])


def healed(made: Cluster) -> Outcome:
    """A worker is cut off for five seconds, then comes back."""
    made.target()
    pace = ("--users", 20, "--interval", 2, "--warm-up", 4, "--failure-threshold", 0)
    done = made.run(*pace, "--run-time", "35s", "--drain", 10, during=_short_cut)
    _silent(done)
    done.see("the master reported that the worker is back", good="is back" in done.told)
    return done


def stopped(made: Cluster) -> Outcome:
    """A worker is cut off for five seconds, and the failures reach the threshold."""
    made.target()
    pace = ("--users", 20, "--interval", 1, "--request-timeout", 3, "--failure-threshold", 5)
    done = made.run(*pace, "--run-time", "30s", "--drain", 10, during=_short_cut)
    _silent(done)
    failed = done.samples[(done.samples["outcome"] == "failed") & ~done.samples["after_stop"]]
    done.see(f"failed rows before the stop: {len(failed)} of 5", good=len(failed) == 5)
    done.see(f"ended by {done.manifest['ended']}", good=done.manifest["ended"] == "failure-threshold")
    return done


def cut_off(made: Cluster) -> Outcome:
    """A worker is cut off for good."""

    def cut(made: Cluster, _: list[Any]) -> None:
        time.sleep(6)
        made.network.cut(WORKERS[0])

    made.target()
    done = made.run("--users", 20, "--interval", 1, "--run-time", "20s", "--drain", 5, during=cut)
    _lost(done)
    return done


def killed(made: Cluster) -> Outcome:
    """A worker is killed with SIGKILL."""
    at: list[float] = []

    def kill(_: Cluster, workers: list[Any]) -> None:
        time.sleep(8)
        at.append(time.time())
        workers[0].send_signal(signal.SIGKILL)

    made.target()
    done = made.run("--users", 20, "--interval", 1, "--run-time", "20s", during=kill)
    _lost(done)
    missing = done.missing
    before = at[0] - missing["ended_real_ns"].min() / 1e9 if len(missing) else 0.0
    done.see(
        f"{len(missing)} requests have no row; the first of them ended {before:.2f} s before the kill",
        good=before < 1.0,
    )
    return done


def no_master(made: Cluster) -> Outcome:
    """A worker finds no master."""
    worker = made.worker(WORKERS[0])
    line = "the master does not answer"
    _wait(lambda: line in made.output(WORKERS[0]).read_text(), 15, "a line about the master")
    worker.send_signal(signal.SIGINT)
    code = worker.wait(15)
    told = made.output(WORKERS[0]).read_text()
    done = Outcome(code, told, {}, {}, pd.DataFrame(), pd.DataFrame())
    done.see(f"one line: {told.strip()}", good=len(told.strip().splitlines()) == 1)
    done.see(f"exit code {code} after Ctrl-C", good=code in {130, -signal.SIGINT})
    return done


def _valid(done: Outcome) -> None:
    reasons = done.summary["invalid_reasons"]
    done.see(f"exit code {done.code}, valid: {done.summary['valid']} {reasons}", good=done.code == 0)


def _complete(done: Outcome) -> None:
    rows, answered = len(done.samples), len(done.truth)
    same = set(done.samples["request_id"]) == set(done.truth["request_id"]) and rows == answered
    done.see(f"{rows} rows, {answered} requests in the target's log, same ids: {same}", good=same)


def _silent(done: Outcome) -> None:
    missing, never = done.missing, done.samples[~done.samples["request_id"].isin(done.truth["request_id"])]
    done.see(f"{len(missing)} of {len(done.truth)} requests that reached the target lack a row", good=missing.empty)
    kinds = never["error"].fillna(never["outcome"]).value_counts().to_dict()
    done.see(f"rows of requests that never reached the target: {kinds}", good=not (never["outcome"] == "ok").any())
    findings = [finding["message"] for finding in done.summary["findings"] if finding["rule"] == "silences"]
    done.see(f"findings: {findings}", good=len(findings) == 1)
    done.see(f"exit code {done.code}", good=done.code == 4)
    done.see("the master reported that the worker was silent", good="out of touch" in done.told)
    done.see(f"lost workers: {done.manifest['lost_workers']}", good=not done.manifest["lost_workers"])


def _lost(done: Outcome) -> None:
    lost, reasons = done.manifest["lost_workers"], done.summary["invalid_reasons"]
    done.see(f"lost workers: {lost}", good=len(lost) == 1)
    done.see(f"reasons: {reasons}", good=any(lost and lost[0] in reason for reason in reasons))
    done.see(f"exit code {done.code}", good=done.code == 4)


CASES = {case.__name__: case for case in (whole, threshold, healed, stopped, cut_off, killed, no_master)}


def main() -> int:
    """Run the named cases, or all."""
    if (reason := why_not()) is not None:
        print(f"not run: {reason}")
        return 0
    wrong = 0
    for name in sys.argv[1:] or CASES:
        with cluster() as made:
            began = time.monotonic()
            done = CASES[name](made)
            took = time.monotonic() - began
        print(f"{name}: {CASES[name].__doc__} ({took:.0f} s)")
        for line in done.said:
            print(f"  right: {line}")
        for line in done.wrong:
            print(f"  WRONG: {line}")
        if done.wrong:
            print("  | " + "\n  | ".join(done.told.strip().splitlines()))
        wrong += bool(done.wrong)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
