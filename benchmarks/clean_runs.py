"""How many undisturbed runs of the demo's size are valid? All should be, since a false alarm costs a run.

    python benchmarks/clean_runs.py [RUNS [SECONDS]]

Needs the repository's environment. Prints a line per run, and the number of valid runs at the end. Exits with 1 if a
run was not valid.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

TARGET = "--ttft 300ms --chunks 60 --chunk-interval 25ms --jitter 0.3"
USERS, INTERVAL = 40, 5


def main() -> int:
    """Make the runs one after the other."""
    parser = argparse.ArgumentParser(description="Count valid runs among undisturbed ones.")
    parser.add_argument("runs", nargs="?", type=int, default=20)
    parser.add_argument("seconds", nargs="?", type=int, default=15)
    asked = parser.parse_args()
    valid = sum(_run(number + 1, asked.seconds) for number in range(asked.runs))
    print(f"{valid} of {asked.runs} runs of {asked.seconds} s valid")
    return int(valid < asked.runs)


def _run(number: int, seconds: int) -> bool:
    with TemporaryDirectory(prefix="katydid-clean-") as name:
        command = [
            sys.executable, "-m", "katydid", "run", "stream", f"--embedded-target={TARGET}", "--users", str(USERS),
            "--interval", str(INTERVAL), "--run-time", f"{seconds}s", "--version-label", "clean", "--results", "runs",
        ]  # fmt: skip
        subprocess.run(command, cwd=name, capture_output=True, check=False)
        (summary,) = Path(name).rglob("summary.json")
        found = json.loads(summary.read_text())
        verdict = "valid" if found["valid"] else "INVALID"
        print(number, verdict, *found["invalid_reasons"], *found["warnings"], flush=True)
        return bool(found["valid"])


if __name__ == "__main__":
    sys.exit(main())
