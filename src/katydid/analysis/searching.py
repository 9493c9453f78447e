"""What a capacity search found, computed again from its finished folder. `summary.json`'s key `capacity`."""

from typing import Any

from katydid.analysis.capacity import estimate_capacity
from katydid.analysis.diagnosis import diagnose
from katydid.analysis.holds import Criterion, holds_of
from katydid.analysis.validity import Run


def capacity_part(run: Run) -> dict[str, Any]:
    """The capacity, its interval, what limited it, and every stage."""
    criteria = [Criterion(**c) for c in run.manifest.get("objective") or []]
    holds = [h for h in holds_of(run.frame, run.manifest, criteria) if h.ended != "interrupted"]
    found = estimate_capacity(holds, criteria)
    limit = diagnose(run, holds)
    return {
        "limited_by": limit.cause,
        "evidence": limit.evidence,
        "capacity": {
            **found.as_dict(),
            "limited_by": limit.cause,
            "evidence": limit.evidence,
            "objective": [c.text for c in criteria],
            "steps": [h.as_dict() for h in holds],
        },
    }
