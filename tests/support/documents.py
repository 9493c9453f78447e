"""Documents for whatever asks for whole ones: what is not said is as an unremarkable run has it."""

from katydid.model.documents.manifest import Manifest
from katydid.model.documents.summary import Summary


def manifest_with(*keys, **more):
    return Manifest.read({key: value for each in (*keys, more) for key, value in each.items()})


def summary_with(*keys, **more):
    usual = {"valid": True, "invalid_reasons": [], "ended": "run-time", "metrics": {}, "partial": False}
    told = usual | {key: value for each in (*keys, more) for key, value in each.items()}
    counts = {"requests": 100, "ok": 99, "failed": 1} if "counts" not in told else {"requests": 0, "ok": 0}
    return Summary.read(told | {"counts": counts | told.get("counts", {})})
