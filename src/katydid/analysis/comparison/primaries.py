"""The primary metrics, which decide a comparison: those that the user names, else the workload's; failures always.

A metric that no run measures is left out. A quantile of too few requests is replaced by the median of the same
distribution. Both are reported. Knows nothing about how a metric is judged.
"""

from collections.abc import Sequence

from katydid.analysis.comparison.estimates import TOO_FEW, Estimates
from katydid.model.documents.comparison import STREAM
from katydid.model.metrics import split_name, whole_name
from katydid.model.metrics.declared import Catalogue

FAILURES = "failure_rate"
"""Primary in every comparison: a version that fails more requests is worse, however fast it is."""
WHOLE_ANSWERS = ("duration.p50", "duration.p95")
OWN = {
    "burst": ("response.p50", "response.p95"),
    "tools": ("conversation.p50", "conversation.p95"),
    "speech": ("final_latency.p50", "final_latency.p95"),
    "batch": WHOLE_ANSWERS,
}
"""Primary metrics of workloads that are not about the stream of a single answer."""


def primaries(
    named: Sequence[str], workload: str, runs: Sequence[Estimates], catalogue: Catalogue
) -> tuple[tuple[str, ...], list[str]]:
    """Choose the primary metrics of a comparison: those `named`, or the workload's if that is the object `STREAM`.

    Returns:
        The metrics, at least one besides the failures; and notes on which of the wanted ones do not decide, and why.
    """
    heads = frozenset(d.name for d in catalogue.distributions)
    wanted = [name for name in (_own(workload, runs) if named is STREAM else named) if name != FAILURES]
    measured = [name for name in wanted if _is_measured(name, runs, heads)]
    notes = [f"no run measures {name}: it does not decide" for name in wanted if name not in measured and measured]
    chosen = []
    for name in dict.fromkeys(measured or wanted):
        median = f"{split_name(name)[0]}.p50"
        lacking = next((text for run in runs if (text := run.missing.get(name, "")).startswith(TOO_FEW)), "")
        if lacking and name != median:
            notes.append(f"{name} has {lacking}: {median} decides instead")
        chosen.append(median if lacking else name)
    return (*dict.fromkeys(chosen), FAILURES), notes


def _own(workload: str, runs: Sequence[Estimates]) -> Sequence[str]:
    own = OWN.get(workload.rpartition("-")[2])  # without the prefix of a search or a sweep, as in `capacity-batch`
    return own or (STREAM if _is_measured("ttft.p50", runs, frozenset({"ttft"})) else WHOLE_ANSWERS)


def _is_measured(name: str, runs: Sequence[Estimates], heads: frozenset[str]) -> bool:
    """Return True if any run has any statistic of the distribution, even if too few requests for this one."""
    distribution, _ = split_name(name)
    if whole_name(distribution) not in heads:
        return any(name in run.values for run in runs)
    return any(split_name(value)[0] == distribution for run in runs for value in run.values)
