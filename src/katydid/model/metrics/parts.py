"""Parts of a run that asks several models or several targets: their names, and those of their metrics. Pure.

A metric of a part is named `model=a/ttft.p95` or `host=http://10.0.0.7:8000/failure_rate`. What a manifest says comes
from outside: what is no name there is left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from katydid.model.documents.base import Document
from katydid.model.metrics import FlatMetric
from katydid.model.oneline import one_line

MOST_PARTS = 32
"""Of one run: a report shows each in a row of its own."""
_LONGEST = 200
_COLUMNS = {"models": "model", "hosts": "host"}
"""Columns of the samples, by the keys of the manifest that list what is in them."""


@dataclass(frozen=True, slots=True)
class RunPart:
    """One model, or one target.

    Attributes:
        column: of the samples.
        value: in that column.
    """

    column: str
    value: str

    @property
    def prefix(self) -> str:
        """What its metrics' names begin with."""
        return f"{self.column}={self.value}/"

    def metric(self, whole: FlatMetric) -> FlatMetric:
        """The part's own, of a metric of the whole run."""
        return FlatMetric(
            self.prefix + whole.name,
            f"{whole.label} ({self.column} {self.value})",
            whole.unit,
            whole.better,
            whole.definition,
        )


def parts_of(manifest: Document | Mapping[str, object]) -> tuple[RunPart, ...]:
    """The parts of a run; none where it asks one model of one target."""
    found = []
    for key, column in _COLUMNS.items():
        named = manifest.get(key)
        names = [name for name in named if _is_name(name)] if isinstance(named, list | dict) else []
        if len(names) > 1:
            found += [RunPart(column, name) for name in names]
    return tuple(dict.fromkeys(found))[:MOST_PARTS]


def _is_name(name: object) -> bool:
    return isinstance(name, str) and 0 < len(name) <= _LONGEST and name == one_line(name)
