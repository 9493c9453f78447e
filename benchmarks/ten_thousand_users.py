"""Ten thousand users in one process: how fast they start, how late their requests are, and how much memory they need.

    python benchmarks/ten_thousand_users.py [--users 10000] [--interval 20] [--workload batch|stream] [--run-time 60]
    python benchmarks/ten_thousand_users.py --users 100 --interval 5 --workload stream --input-tokens 8000

The embedded target has the first core, the generator (a plain `katydid run`) the second. The lateness of a request is
the time from when it was due until its first byte is handed to the kernel.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import psutil
from clients import environment

from katydid.doctor.trial import pinned, share_out
from katydid.target.process import RunningTarget
from katydid.target.settings import TargetSettings

ANSWERS = {
    "batch": TargetSettings(ttft=0.0, duration=0.2, chunks=20),
    "stream": TargetSettings(ttft=0.1, chunk_interval=0.02, chunks=10),
}
END_TIME = 120.0
"""A run may take this many seconds beyond its run time."""


def main() -> int:
    """Make the run, and print its figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=10_000)
    parser.add_argument("--interval", type=float, default=20.0)
    parser.add_argument("--run-time", type=int, default=60)
    parser.add_argument("--workload", choices=list(ANSWERS), default="batch")
    parser.add_argument("--input-tokens", help="generate prompts of this length, all different")
    options = parser.parse_args()
    with TemporaryDirectory(prefix="katydid-bench-") as name:
        print(json.dumps(measure(options, Path(name)), indent=2))
    return 0


def measure(options: argparse.Namespace, folder: Path) -> dict[str, object]:
    """Make one run.

    Raises:
        RuntimeError: it ended with an error, or not at all.
    """
    cores = share_out()
    with pinned(cores.target):
        target = RunningTarget(TargetSettings(**vars(ANSWERS[options.workload]) | {"log": str(folder / "truth")}))
    with target:
        words = [
            sys.executable, "-m", "katydid", "run", options.workload, "--host", target.url, "--users",
            str(options.users), "--interval", str(options.interval), "--run-time", f"{options.run_time}s", "--results",
            "runs", "--version-label", "v", *(["--input-tokens", options.input_tokens] if options.input_tokens else []),
        ]  # fmt: skip
        with (folder / "output").open("wb") as sink, pinned(cores.generator):
            process = subprocess.Popen(
                words, cwd=folder, env=environment({}), stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT
            )
        peak, cpu = _watch(process, options.run_time + END_TIME)
        answered = len(target.log())
    if process.returncode not in {0, 4}:
        raise RuntimeError((folder / "output").read_text(errors="replace")[-500:])
    (run,) = (path.parent for path in folder.rglob("samples.parquet"))
    samples, monitor = pd.read_parquet(run / "samples.parquet"), pd.read_parquet(run / "monitor.parquet")
    summary = json.loads((run / "summary.json").read_text())
    mine = monitor[monitor["process"] == "local"]
    there = mine[mine["users"] >= options.users]["at_ms"]
    busy = float(mine["cpu_percent"].median()) / 100.0
    all_there = float(there.min()) / 1000.0 if len(there) else None
    settled = samples[~samples["warm_up"]]
    return {
        "users": options.users,
        "workload": options.workload,
        "all_running_after_s": all_there,
        "requests_per_s": round(summary["metrics"]["requests_per_s"], 1),
        "offered_per_s": round(summary["metrics"]["offered_per_s"], 1),
        "late_ms": _late(samples),
        "late_ms_without_warm_up": _late(settled),
        "loop_lag_ms_worst": round(float(mine["loop_lag_ms"].max()), 1),
        "peak_memory_mb": round(peak / 1e6, 1),
        "memory_while_it_runs_mb": round(float(mine["memory_bytes"].median()) / 1e6, 1),
        "cpu": round(cpu / options.run_time, 3),
        "cpu_ms_per_request": round(1000.0 * busy / summary["metrics"]["requests_per_s"], 2),
        "send_ms": {f"p{q}": round(float(samples["send_ms"].quantile(q / 100)), 2) for q in (50, 99)},
        "rows": len(samples),
        "answered_by_the_target": answered,
        "outcomes": samples["outcome"].value_counts().to_dict(),
        "valid": summary["valid"],
        "invalid_reasons": summary["invalid_reasons"],
    }


def _late(samples: pd.DataFrame) -> dict[str, float]:
    late = samples["late_ms"].dropna()
    return {f"p{q:g}": round(float(late.quantile(q / 100)), 2) for q in (50, 99, 99.9, 100)}


def _watch(process: subprocess.Popen[bytes], longest: float) -> tuple[int, float]:
    """Wait for the end of the run; return its peak resident memory in bytes, and its CPU seconds."""
    watched, peak, cpu = psutil.Process(process.pid), 0, 0.0
    until = time.monotonic() + longest
    while process.poll() is None:
        if time.monotonic() > until:
            process.kill()
            raise RuntimeError("the run did not end by itself")
        try:
            peak = max(peak, watched.memory_info().rss)
            times = watched.cpu_times()
        except psutil.NoSuchProcess:
            break
        cpu = times.user + times.system
        time.sleep(0.1)
    process.wait()
    return peak, cpu


if __name__ == "__main__":
    sys.exit(main())
