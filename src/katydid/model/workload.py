"""The workload record, which each workload registers, and the registry. Pure.

Summaries and reports get everything that is specific to a workload from its record. They know no workload by name, so
external workloads can do whatever built-in ones can.
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
        name: name in `katydid run NAME` and in the manifest.
        options: class of its options, a dataclass whose fields are made by `option`. They are added to the options of
            its user class, unless the class is a subclass of those.
        user: its user class as `module:Class`, imported only to run it, because that imports Locust.
        plan: plan of runs in stages; runs with this plan also get this workload's columns, rules and sections, whatever
            their user class.
        columns: columns that it adds to the samples (`Sample.extra`), with their types: `bool`, `int`, `float` or
            `str`.
        metrics: metrics computed from columns; they travel in the manifest, so reports, comparisons and gates on other
            machines have them, too.
        rules: validity rules (`analysis.validity.Rule`) in addition to those of every run.
        summarise: returns the keys that it adds to `summary.json`, given an `analysis.validity.Run`.
        answer: returns the run's finding for the headline, given the summary: a sentence without initial capital and
            full stop. None if there is no finding.
        provokes: True if the target is meant to reject requests, so that rejections do not indicate a limit.
        sections: sections of its report; each returns a `report.model.Section` for a `report.model.Material`, or None
            if the run has no data for it.
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
        """Check the class of options."""
        if self.options is not None:
            check_table(self.options, f"Workload(name={self.name!r}): its options")

    def options_beside(self, others: type[object]) -> type[object]:
        """Combine its options with those of its user class.

        Raises:
            ConfigError: an option exists in both.
        """
        own = self.options
        if own is None or issubclass(own, others):
            return others if own is None else own
        if clash := {each.name for each in options_in(own)} & {each.name for each in options_in(others)}:
            raise ConfigError(
                f"Workload(name={self.name!r}): the option --{min(clash).replace('_', '-')} already exists: choose "
                f"another name, or make the class of options a subclass of {others.__name__} to change it"
            )
        joined: type[object] = dataclass(frozen=True, kw_only=True)(type(own.__name__, (own, others), {}))
        return joined


_OURS = "katydid."
"""Prefix of the modules of built-in user classes."""
_YIELDING = frozenset({"embed", "rerank"})
"""Built-in workloads that may be replaced: locustfiles with workloads of these names existed before them."""
WORKLOADS: dict[str, Workload] = {}
"""All workloads by name; `katydid.workloads` registers the built-in ones."""


def register(workload: Workload) -> Workload:
    """Add a workload to the registry; registering it again replaces it.

    Raises:
        ConfigError: a built-in workload has that name.
    """
    before = WORKLOADS.get(workload.name)
    ours = before is not None and before.user.startswith(_OURS) and before.user != workload.user
    if ours and workload.name not in _YIELDING:
        raise ConfigError(f"Workload(name={workload.name!r}): a built-in workload has this name: choose another name")
    WORKLOADS[workload.name] = workload
    return workload


def workloads_of(manifest: Manifest) -> list[Workload]:
    """Return the records that apply to a run: its workload's, then those of its plan."""
    plan = manifest.plan
    name = str(manifest.workload).removeprefix(f"{plan or ''}-")
    found = [WORKLOADS[name]] if name in WORKLOADS else []
    return found + [w for w in WORKLOADS.values() if plan and w.plan == plan and w not in found]
