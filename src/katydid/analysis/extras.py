"""What only some workloads' summaries say: stages, a row a user, checks of the answers, a diagnosis.

Each is a function in a file of its own, entered here under its workload.
"""

from collections.abc import Callable
from typing import Any

from katydid.analysis.burst import burst_summary
from katydid.analysis.session import session_summary
from katydid.analysis.validity import Run

EXTRAS: dict[str, Callable[[Run], dict[str, Any]]] = {"burst": burst_summary, "session": session_summary}


def extras(run: Run) -> dict[str, Any]:
    """The keys that this run's workload adds to `summary.json`."""
    find = EXTRAS.get(str(run.manifest.get("workload")))
    return find(run) if find else {}
