"""What a workload is to the rest of Katydid: one record, which its package registers. Pure.

Summaries and reports look here for what only some workloads have, so that they need not know any: a workload of
somebody else's is as good as one of ours.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from katydid.model.documents.manifest import Manifest
from katydid.model.documents.summary import Summary
from katydid.model.errors import ConfigError
from katydid.model.metrics.declared import Metric
from katydid.model.options import check_table, options_in


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A workload and everything it owns.

    Attributes:
        name: as in `katydid run NAME` and in the manifest.
        options: its options: a dataclass whose fields `option` made. They come beside those of its users' class, unless
            they are a subclass of them.
        user: the class of its users as `module:Class`; imported by who runs it, since that brings Locust.
        plan: of runs in stages; those that carry it out have this workload's parts too, whoever their users are.
        summarise: the keys that it adds to `summary.json`, from an `analysis.validity.Run`.
        columns: that it adds to the samples (`Sample.extra`), with their types: `bool`, `int`, `float` or `str`.
        metrics: made of columns; they travel in the manifest, so that reports, comparisons and gates elsewhere have
            them too.
        rules: of validity (`analysis.validity.Rule`) beside those of every run.
        answer: what a run has found out, in a sentence without its capital and its full stop, from the summary; it
            stands in the headline. None where the run has no answer.
        provokes: it has requests refused on purpose, so that refusals tell of no limit to heed.
        sections: of its report; each makes a `report.model.Section` out of a `report.model.Material`, or None where a
            run has nothing to say there.
    """

    name: str
    options: type[object] | None = None
    user: str = ""
    plan: str | None = None
    columns: Mapping[str, type] = field(default_factory=dict)
    metrics: tuple[Metric, ...] = ()
    rules: tuple[Any, ...] = ()
    summarise: Callable[[Any], dict[str, Any]] | None = None
    answer: Callable[[Summary], str | None] | None = None
    provokes: bool = False
    sections: tuple[Callable[[Any], Any], ...] = ()

    def __post_init__(self) -> None:
        """See that its options are a table of options."""
        if self.options is not None:
            check_table(self.options, f"Workload(name={self.name!r}): its options")

    def options_beside(self, others: type[object]) -> type[object]:
        """Its options and those of its users' class in one table.

        Raises:
            ConfigError: they cannot be joined.
        """
        own = self.options
        if own is None or issubclass(own, others):
            return others if own is None else own
        if clash := {each.name for each in options_in(own)} & {each.name for each in options_in(others)}:
            raise ConfigError(
                f"Workload(name={self.name!r}): --{min(clash).replace('_', '-')} is an option already: make its "
                f"options a subclass of {others.__name__} to change one, or choose another name"
            )
        joined: type[object] = dataclass(frozen=True, kw_only=True)(type(own.__name__, (own, others), {}))
        return joined


_OURS = "katydid."
"""Where users of ours are."""
_YIELDING = frozenset({"embed", "rerank"})
"""Workloads of ours that came later: a file that had a workload of that name before us keeps it."""
WORKLOADS: dict[str, Workload] = {}
"""Every workload by its name; `katydid.workloads` registers ours."""


def register(workload: Workload) -> Workload:
    """Make a workload known; one that is registered again takes its own place.

    Raises:
        ConfigError: a workload of ours has that name.
    """
    before = WORKLOADS.get(workload.name)
    ours = before is not None and before.user.startswith(_OURS) and before.user != workload.user
    if ours and workload.name not in _YIELDING:
        raise ConfigError(f"Workload(name={workload.name!r}): that is a workload of Katydid's: choose another name")
    WORKLOADS[workload.name] = workload
    return workload


def workloads_of(manifest: Manifest) -> list[Workload]:
    """The records that have something to say of a run: its workload's, then its plan's."""
    plan = manifest.plan
    name = str(manifest.workload).removeprefix(f"{plan or ''}-")
    found = [WORKLOADS[name]] if name in WORKLOADS else []
    return found + [w for w in WORKLOADS.values() if plan and w.plan == plan and w not in found]
