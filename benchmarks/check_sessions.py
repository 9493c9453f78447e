"""How reliable are the checks of `katydid run session`? Runs against the embedded bridge, with and without faults.

    python benchmarks/check_sessions.py --runs 20

Each run is compared with the ground truth in the target's log. Without faults there must be no violation. Every fault
must be found in every run in which it happened; for a leak, both users must be named correctly.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd

from katydid.target.process import start_target

DEFECTS = {
    None: None,
    "leak=0.005": "isolation",
    "cross_stream=0.02": "independent_streams",
    "lose_message=0.02": "message_count",
    "reorder_history=0.3": "own_history",
    "wrong_members=0.1": "room_members",
    "lose_safety_under_load=0.5": "safety_answer",
}


def run(folder: Path, url: str, users: int, turns: int) -> tuple[dict, pd.DataFrame]:
    """Make one run; return its summary and its samples."""
    words = ("session", "--host", url, "--users", users, "--turns", turns, "--interval", "0")
    command = [Path(sys.executable).parent / "katydid", "run", *words, "--failure-threshold", "0"]
    done = subprocess.run(list(map(str, command)), cwd=folder, check=False, capture_output=True)
    if done.returncode not in {0, 1, 4}:  # 1: a check failed, as intended; 4: the machine was busy
        raise SystemExit(done.stderr.decode())
    (found,) = folder.rglob("manifest.json")
    return json.loads((found.parent / "summary.json").read_text()), pd.read_parquet(found.parent / "samples.parquet")


def judge(summary: dict, samples: pd.DataFrame, truth: list[dict], check: str | None) -> tuple[bool, bool]:
    """Return whether the fault happened, and whether the run's checks are right about it."""
    broken = {each["name"] for each in summary["checks"] if not each["passed"]}
    happened = {line["request_id"]: line["party"] for line in truth if line["fault"]}
    if not happened:
        return False, not broken
    if check != "isolation":
        return True, check in broken
    found = samples[samples["error"] == "isolation"]
    named = {row.request_id: row.other_user for row in found.itertuples()}
    return True, named == {request: int(party.rpartition("-")[2]) for request, party in happened.items()}


def main() -> None:
    """Print a row for each fault."""
    parser = argparse.ArgumentParser(description="Try the checks of sessions on a target with known faults.")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--users", type=int, default=5)
    parser.add_argument("--turns", type=int, default=20)
    asked = parser.parse_args()
    print("fault                        runs  happened  right  messages/s (best)")
    for defect, check in DEFECTS.items():
        right = happened = 0
        rates = []
        for seed in range(asked.runs):
            with tempfile.TemporaryDirectory() as name:
                folder, log = Path(name), str(Path(name) / "truth.jsonl")
                with start_target(bridge_fail=(defect,) if defect else (), seed=seed, log=log) as target:
                    summary, samples = run(folder, target.url, asked.users, asked.turns)
                    there, said = judge(summary, samples, target.log(), check)
            happened, right = happened + there, right + said
            rates.append(summary["session"]["throughput_msg_per_sec"])
        print(f"{defect or 'none':<28} {asked.runs:>4}  {happened:>8}  {right:>5}  {max(rates):,.0f}", flush=True)


if __name__ == "__main__":
    main()
