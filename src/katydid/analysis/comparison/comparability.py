"""Whether two sides may be compared at all: the same load, asked for in the same way, seen with the same clock.

What differs and matters makes a comparison invalid; other differences are listed for the reader.
"""

from collections.abc import Iterable, Sequence

from katydid.model.documents.comparison import Mismatch
from katydid.model.documents.manifest import Manifest

MUST_MATCH = {
    "workload": "another workload is another load",
    "api": "another API is another request",
    "endpoint": "another endpoint is another request",
    "model": "another model answers at another speed",
    "users": "a different number of users: not comparable",
    "interval_s": "another interval is another load",
    "schedule": "other arrivals are another load",
    "rate_per_s": "another rate is another load",
    "arrivals": "other arrivals are another load",
    "rate_ramp_per_s": "another ramp is another load",
    "trace_sha256": "another trace is another load",
    "phase": "other first starts are another load",
    "ramp_per_s": "another ramp is another load",
    "run_time_s": "a longer run sees other things",
    "request_timeout_s": "another time-out cuts off other requests",
    "idle_timeout_s": "another time-out cuts off other requests",
    "prompts_sha256": "other prompts get other answers",
    "check": "another check calls other requests failed",
    "client": "another client measures in another way",
    "timestamp_source": "another clock measures other times",
}
"""Keys of the manifest, with the reason."""

OPTIONS_THAT_MAY_DIFFER = {
    "results", "version_label", "ca_file", "client_cert", "client_key", "insecure", "drain", "failure_threshold",
    "warm_up", "ramp", "wait_ready",
    "api", "endpoint", "model", "interval", "phase", "request_timeout", "idle_timeout", "prompts", "check", "client",
    "record_events", "target_pid", "target_metrics", "preflight", "before_run", "concurrency", "rate", "arrivals",
    "trace",
}  # fmt: skip
"""Options that change no request, and those that the manifest's own keys tell."""

SEED = "seed"
"""The option that differs from pair to pair (`katydid ab`), and so among the runs of a side."""

WORTH_KNOWING = (
    "adapted", "calibration", "failure_threshold", "spawn_rate", "warm_up_s", "workers", "machine", "cpu_count",
    "katydid_version", "katydid_commit", "locust_version", "python_version",
)  # fmt: skip
"""Keys of the manifest whose difference is listed."""

RAMP = (
    "spawn_rate", "ramp_per_s", "failure_threshold", "users", "interval_s", "request_timeout_s", "idle_timeout_s",
)  # fmt: skip
"""What must be the same for runs that the failure threshold ended to be compared by where it did."""


def mismatches(base: Sequence[Manifest], new: Sequence[Manifest]) -> list[Mismatch]:
    """Differences between the manifests of two sides, those that matter first.

    Seeds differ from pair to pair: they matter where each side has one that the other lacks.
    """
    found = [_mismatch(key, (m.get(key) for m in base), (m.get(key) for m in new), why) for key, why in _keys()]
    names = {name for manifest in (*base, *new) for name in _options(manifest)} - OPTIONS_THAT_MAY_DIFFER
    for name in sorted(names):
        ours, theirs = ([_options(m).get(name) for m in side] for side in (base, new))
        paired = name == SEED and (set(ours) <= set(theirs) or set(theirs) <= set(ours))
        if not paired:
            found.append(_mismatch(f"option {name}", ours, theirs, "another option of the run is another request"))
    told = [mismatch for mismatch in found if mismatch is not None]
    return sorted(told, key=lambda mismatch: not mismatch.why)


def another_load(one: Manifest, other: Manifest) -> str:
    """Why two runs, which need not be of one pair, are of different loads; empty where they are of the same."""
    found = (mismatch for mismatch in mismatches([one], [other]) if mismatch.key != _SEED_KEY)
    return next((mismatch.text for mismatch in found if mismatch.why), "")


def same_ramp(manifests: Sequence[Manifest]) -> bool:
    """Whether runs that the failure threshold ended got there in the same way."""
    return all(len({str(manifest.get(key)) for manifest in manifests}) == 1 for key in RAMP)


_SEED_KEY = f"option {SEED}"


def _keys() -> list[tuple[str, str]]:
    return [*MUST_MATCH.items(), *((key, "") for key in WORTH_KNOWING)]


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
