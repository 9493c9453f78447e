"""Which metrics decide a comparison: those that were named, else the workload's own; failures always.

A metric that no run measures is left out, and a quantile of too few requests gives way to the median of the
same distribution; both are said. Knows nothing about how a metric is judged.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from katydid.analysis.comparison.estimates import TOO_FEW, Estimates
from katydid.model.documents.comparison import STREAM
from katydid.model.metrics import split_name, whole_name
from katydid.model.metrics.declared import SHIPPED, Catalogue

FAILURES = "failure_rate"
"""Primary in every comparison: a version that answers fewer requests is worse, however fast it is."""
WHOLE_ANSWERS = ("duration.p50", "duration.p95")
OWN = {
    "burst": ("response.p50", "response.p95"),
    "tools": ("conversation.p50", "conversation.p95"),
    "speech": ("final_latency.p50", "final_latency.p95"),
    "batch": WHOLE_ANSWERS,
}
"""Workloads whose runs are about something else than the stream of one answer."""


@dataclass(frozen=True)
class Primaries:
    """What decides.

    Attributes:
        names: metrics, at least one beside the failures; none where something else decides.
        notes: what was named and does not decide, and why.
    """

    names: tuple[str, ...]
    notes: list[str] = field(default_factory=list)


def primaries(
    named: Sequence[str], workload: str, runs: Sequence[Estimates], catalogue: Catalogue = SHIPPED
) -> Primaries:
    """The metrics that decide a comparison.

    Args:
        named: by whoever compares; the default, `STREAM` itself, for the workload's own.
        workload: as the manifest has it.
        runs: of both sides.
        catalogue: the metrics that they may have.
    """
    heads = frozenset(d.name for d in catalogue.distributions)
    wanted = [name for name in (_own(workload, runs) if named is STREAM else named) if name != FAILURES]
    measured = [name for name in wanted if _is_measured(name, runs, heads)]
    notes = [f"no run measures {name}: it does not decide" for name in wanted if name not in measured and measured]
    chosen = {name: _of_enough_requests(name, runs) for name in measured or wanted}
    notes += list(_given_way(chosen, runs))
    return Primaries((*dict.fromkeys(chosen.values()), FAILURES), notes)


def _own(workload: str, runs: Sequence[Estimates]) -> Sequence[str]:
    own = OWN.get(workload.rpartition("-")[2])  # a search's or a sweep's plan stands before the dash
    return own or (STREAM if _is_measured("ttft.p50", runs, frozenset({"ttft"})) else WHOLE_ANSWERS)


def _is_measured(name: str, runs: Sequence[Estimates], heads: frozenset[str]) -> bool:
    """Whether any run has any statistic of it: too few requests for this one are another matter."""
    distribution, _ = split_name(name)
    if whole_name(distribution) not in heads:
        return any(name in run.values for run in runs)
    return any(split_name(value)[0] == distribution for run in runs for value in run.values)


def _of_enough_requests(name: str, runs: Sequence[Estimates]) -> str:
    median = f"{split_name(name)[0]}.p50"
    return median if name != median and _too_few(name, runs) else name


def _too_few(name: str, runs: Sequence[Estimates]) -> str:
    """What a run says that has too few requests for it; empty where all have enough."""
    return next((text for run in runs if (text := run.missing.get(name, "")).startswith(TOO_FEW)), "")


def _given_way(chosen: dict[str, str], runs: Sequence[Estimates]) -> Iterator[str]:
    for name, instead in chosen.items():
        if instead != name:
            yield f"{name} has {_too_few(name, runs)}: {instead} decides instead"
