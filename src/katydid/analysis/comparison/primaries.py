"""The primary metrics, which decide a comparison: those that the user names, else the workload's; failures always.

A metric that no run measures is left out. A quantile of too few requests is replaced by the median of the same
distribution. Both are reported. Knows nothing about how a metric is judged.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from katydid.analysis.comparison.estimates import TOO_FEW, Estimates
from katydid.model.documents.comparison import STREAM
from katydid.model.metrics import split_name, whole_name
from katydid.model.metrics.declared import SHIPPED, Catalogue

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


@dataclass(frozen=True)
class Primaries:
    """The primary metrics of a comparison.

    Attributes:
        names: at least one metric besides the failures; empty if something else decides.
        notes: which of the wanted metrics do not decide, and why.
    """

    names: tuple[str, ...]
    notes: list[str] = field(default_factory=list)


def primaries(
    named: Sequence[str], workload: str, runs: Sequence[Estimates], catalogue: Catalogue = SHIPPED
) -> Primaries:
    """Choose the primary metrics of a comparison.

    Args:
        named: the metrics that the user named; the default, the object `STREAM`, selects the workload's.
        workload: the manifest's workload.
        runs: of both sides.
        catalogue: the metrics that these runs may have.
    """
    heads = frozenset(d.name for d in catalogue.distributions)
    wanted = [name for name in (_own(workload, runs) if named is STREAM else named) if name != FAILURES]
    measured = [name for name in wanted if _is_measured(name, runs, heads)]
    notes = [f"no run measures {name}: it does not decide" for name in wanted if name not in measured and measured]
    chosen = {name: _of_enough_requests(name, runs) for name in measured or wanted}
    notes += list(_given_way(chosen, runs))
    return Primaries((*dict.fromkeys(chosen.values()), FAILURES), notes)


def _own(workload: str, runs: Sequence[Estimates]) -> Sequence[str]:
    own = OWN.get(workload.rpartition("-")[2])  # without the prefix of a search or a sweep, as in `capacity-batch`
    return own or (STREAM if _is_measured("ttft.p50", runs, frozenset({"ttft"})) else WHOLE_ANSWERS)


def _is_measured(name: str, runs: Sequence[Estimates], heads: frozenset[str]) -> bool:
    """Return True if any run has any statistic of the distribution, even if too few requests for this one."""
    distribution, _ = split_name(name)
    if whole_name(distribution) not in heads:
        return any(name in run.values for run in runs)
    return any(split_name(value)[0] == distribution for run in runs for value in run.values)


def _of_enough_requests(name: str, runs: Sequence[Estimates]) -> str:
    median = f"{split_name(name)[0]}.p50"
    return median if name != median and _too_few(name, runs) else name


def _too_few(name: str, runs: Sequence[Estimates]) -> str:
    """Why the first run with too few requests for the metric lacks it; empty if all have enough."""
    return next((text for run in runs if (text := run.missing.get(name, "")).startswith(TOO_FEW)), "")


def _given_way(chosen: dict[str, str], runs: Sequence[Estimates]) -> Iterator[str]:
    for name, instead in chosen.items():
        if instead != name:
            yield f"{name} has {_too_few(name, runs)}: {instead} decides instead"
