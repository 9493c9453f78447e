"""Capacity searches against the embedded target of known capacity: error, interval and duration. About 15 minutes.

    .venv/bin/python benchmarks/measure_capacity.py [NAME ...]

`tests/support/queue_model.py` computes the truth by discrete-event simulation.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from katydid.analysis.capacity.holds import Criterion  # noqa: E402
from queue_model import Queue  # noqa: E402 - found by the line above

INTERVAL, LIMIT, MOST = 2.0, 1.0, 500
OBJECTIVE = [Criterion("failure_rate", 0.05), Criterion("duration.p95", 0.05, LIMIT * 1000)]

TARGETS = {
    "slots": ("--slots 20 --duration 400ms", Queue(20, 0.4)),
    "cliff": ("--max-connections 25 --duration 500ms", Queue(1000, 0.5, connections=25)),
    "gradual": ("--slots 16 --duration 400ms --jitter 0.8", Queue(16, 0.4, jitter=0.8)),
    "refusing": ("--slots 16 --duration 400ms --queue-limit 4", Queue(16, 0.4, queue_limit=4)),
    "never": ("--duration 200ms", None),
}


def main() -> None:
    """Search each target, and print a line for each."""
    for name in sys.argv[1:] or TARGETS:
        options, queue = TARGETS[name]
        truth = queue.capacity(INTERVAL, OBJECTIVE, MOST) if queue else None
        with tempfile.TemporaryDirectory() as folder:
            began = time.monotonic()
            done = subprocess.run(
                [
                    Path(sys.executable).parent / "katydid", "capacity", "batch", f"--embedded-target={options}",
                    "--interval", str(INTERVAL), "--limit", str(LIMIT), "--max-users", str(MOST), "--json", "-",
                ],
                cwd=folder, capture_output=True, text=True, check=False,
            )  # fmt: skip
            seconds = time.monotonic() - began
        if done.returncode:
            print(f"{name}: exit {done.returncode}: {done.stderr[-300:]}")
            continue
        found = json.loads(done.stdout)
        at_least = "at least " if found["at_least"] else ""
        inside = truth is None or found["low"] <= truth <= found["high"]
        off = "" if truth is None else f" ({100 * (found['capacity'] / truth - 1):+.1f} %)"
        print(
            f"{name}: truth {truth or f'above {MOST}'}, found {at_least}{found['capacity']:.1f}{off}, "
            f"{found['low']:.1f} to {found['high'] or float('inf'):.1f}{'' if inside else ' MISSES IT'}; "
            f"{found['method']}, limited by {found['limited_by']}; valid: {found['valid']}; "
            f"{len(found['steps'])} holds in {seconds:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
