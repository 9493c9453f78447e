"""What only some runs' summaries say: stages, a row a user, checks of the answers, a diagnosis.

Each is a function in a file of its own, entered here under its workload, or under the plan of a run in stages.
"""

from collections.abc import Callable
from typing import Any

from katydid.analysis.burst import burst_summary
from katydid.analysis.correctness import correctness
from katydid.analysis.resilience import chaos, storm, zombies
from katydid.analysis.scaling import scale_part
from katydid.analysis.searching import capacity_part
from katydid.analysis.session import session_summary
from katydid.analysis.validity import Run

EXTRAS: dict[str, Callable[[Run], dict[str, Any]]] = {
    "tools": correctness,
    "burst": burst_summary,
    "session": session_summary,
    "capacity": capacity_part,
    "stages": scale_part,
    "chaos": chaos,
    "storm": storm,
    "zombies": zombies,
}


def extras(run: Run) -> dict[str, Any]:
    """The keys that this run's workload and plan add to `summary.json`."""
    plan = str(run.manifest.get("plan") or "")
    workload = str(run.manifest.get("workload")).removeprefix(f"{plan}-")
    parts = [EXTRAS[name](run) for name in dict.fromkeys((workload, plan)) if name in EXTRAS]
    return {key: value for part in parts for key, value in part.items()}
