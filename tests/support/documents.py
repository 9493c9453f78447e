"""Documents for whatever asks for whole ones: what is not said is as an unremarkable run has it."""

from katydid.model.documents.capacity import CapacityFound, Step
from katydid.model.documents.comparison import Comparison
from katydid.model.documents.manifest import Manifest
from katydid.model.documents.summary import Summary


def manifest_with(*keys, **more):
    return Manifest.read({key: value for each in (*keys, more) for key, value in each.items()})


def summary_with(*keys, **more):
    usual = {"valid": True, "invalid_reasons": [], "ended": "run-time", "metrics": {}, "partial": False}
    told = usual | {key: value for each in (*keys, more) for key, value in each.items()}
    counts = {"requests": 100, "ok": 99, "failed": 1} if "counts" not in told else {"requests": 0, "ok": 0}
    return Summary.read(told | {"counts": counts | told.get("counts", {})})


def metric_row(name="duration.p50", **more):
    """A metric's row of a comparison, as its JSON has it."""
    usual = {
        "base": 1000.0, "new": 1000.0, "change": 0.0, "low": -0.03, "high": 0.03, "bound": None, "points": None,
        "verdict": "no_difference", "primary": True, "smallest_detectable": 0.1, "runs_needed": None, "p_value": 1.0,
        "reason": "", "design": "runs", "label": name, "unit": "ms", "better": "lower",
    }  # fmt: skip
    return {"name": name} | usual | more


def comparison_with(*keys, **more):
    sides = [{"versions": [version], "host": None, "runs": []} for version in ("v1", "v2")]
    usual = {"schema_version": 1, "verdict": "no_difference", "reasons": [], "metrics": [], "sides": sides,
             "differences": [], "outcomes": [[], []], "history_runs": 0, "interleaved": True, "settled_s": 0.0,
             "settings": {}, "largest_regression": None}  # fmt: skip
    return Comparison.read(usual | {key: value for each in (*keys, more) for key, value in each.items()})


def capacity_step(**more):
    return Step(
        **{
            "stage": 0, "users": 20, "purpose": "bracket", "ended": "time", "seconds": 10.0, "requests": 100, "ok": 90,
            "failed": 10, "offered_per_s": 10.0, "ok_per_s": 9.0, "sustained": 20.0, "keeps_up": True, "p50_ms": 700.0,
            "p95_ms": 805.0, "judged": {"duration.p95": 100}, "missed": {"duration.p95": 10},
            "broken": ("duration.p95",), "held": False, "missed_share": 0.1,
        } | more
    )  # fmt: skip


def capacity_found(**more):
    return CapacityFound(
        **{"capacity": 42.0, "low": 40.0, "high": 44.0, "at_least": False, "steps": [capacity_step()]} | more
    )
