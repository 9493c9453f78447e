"""Whether two sides are comparable: they had the same load, sent in the same way, and measured by the same clock.

A difference that affects the result makes a comparison invalid; other differences are only listed.
"""

from collections.abc import Iterable, Sequence

from katydid.model.documents.comparison import Mismatch
from katydid.model.documents.manifest import Manifest

MUST_MATCH = {
    "workload": "a different workload is a different load",
    "api": "a different API means different requests",
    "endpoint": "a different endpoint means different requests",
    "model": "a different model has a different speed",
    "users": "a different number of users: not comparable",
    "interval_s": "a different interval is a different load",
    "schedule": "different arrivals are a different load",
    "rate_per_s": "a different rate is a different load",
    "arrivals": "different arrivals are a different load",
    "rate_ramp_per_s": "a different ramp is a different load",
    "trace_sha256": "a different trace is a different load",
    "phase": "different first starts are a different load",
    "ramp_per_s": "a different ramp is a different load",
    "run_time_s": "runs of different length see different conditions",
    "request_timeout_s": "a different timeout cuts off different requests",
    "idle_timeout_s": "a different timeout cuts off different requests",
    "prompts_sha256": "different prompts get different answers",
    "check": "a different check fails different requests",
    "client": "a different client measures in a different way",
    "timestamp_source": "a different clock measures different times",
}
"""Keys of the manifest that must be equal, with the reason."""

OPTIONS_THAT_MAY_DIFFER = {
    "results", "version_label", "ca_file", "client_cert", "client_key", "insecure", "drain", "failure_threshold",
    "warm_up", "ramp", "wait_ready",
    "api", "endpoint", "model", "interval", "phase", "request_timeout", "idle_timeout", "prompts", "check", "client",
    "record_events", "target_pid", "target_metrics", "preflight", "before_run", "concurrency", "rate", "arrivals",
    "trace",
}  # fmt: skip
"""Options that change no request, and options that have a manifest key of their own."""

SEED = "seed"
"""The option that differs from pair to pair in `katydid ab`, and so among the runs of one side."""

WORTH_KNOWING = (
    "adapted", "calibration", "failure_threshold", "spawn_rate", "warm_up_s", "workers", "machine", "cpu_count",
    "katydid_version", "katydid_commit", "locust_version", "python_version",
)  # fmt: skip
"""Keys of the manifest whose differences are only listed."""

RAMP = (
    "spawn_rate", "ramp_per_s", "failure_threshold", "users", "interval_s", "request_timeout_s", "idle_timeout_s",
)  # fmt: skip
"""Keys that must be equal to compare where the failure threshold stopped the runs."""


def mismatches(base: Sequence[Manifest], new: Sequence[Manifest]) -> list[Mismatch]:
    """Differences between the manifests of two sides, those that affect the result first.

    Seeds may differ from pair to pair. They affect the result only if each side has a seed that the other lacks.
    """
    keys = MUST_MATCH | dict.fromkeys(WORTH_KNOWING, "")
    found = [_mismatch(key, (m.get(key) for m in base), (m.get(key) for m in new), why) for key, why in keys.items()]
    names = {name for manifest in (*base, *new) for name in _options(manifest)} - OPTIONS_THAT_MAY_DIFFER
    for name in sorted(names):
        ours, theirs = ([_options(m).get(name) for m in side] for side in (base, new))
        paired = name == SEED and (set(ours) <= set(theirs) or set(theirs) <= set(ours))
        if not paired:
            found.append(_mismatch(f"option {name}", ours, theirs, "a different option may mean different requests"))
    return sorted(filter(None, found), key=lambda mismatch: not mismatch.why)


def another_load(one: Manifest, other: Manifest) -> str:
    """Why two runs had different loads, apart from the seed; empty if they had the same."""
    found = (mismatch for mismatch in mismatches([one], [other]) if mismatch.key != f"option {SEED}")
    return next((mismatch.text for mismatch in found if mismatch.why), "")


def same_ramp(manifests: Sequence[Manifest]) -> bool:
    """Return True if all runs had the same ramp, timeouts and failure threshold."""
    return all(len({str(manifest.get(key)) for manifest in manifests}) == 1 for key in RAMP)


def _options(manifest: Manifest) -> dict[str, object]:
    return manifest.options or {}


def _mismatch(key: str, base: Iterable[object], new: Iterable[object], why: str) -> Mismatch | None:
    ours, theirs = ({_shown(value) for value in side} for side in (base, new))
    if ours == theirs and len(ours) == 1:
        return None
    return Mismatch(key, " / ".join(sorted(ours)), " / ".join(sorted(theirs)), why)


def _shown(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "none" if value is None else str(value)
