"""Parts of a run that uses several models or targets, and the names of their metrics. Pure.

A metric of a part is named `model=a/ttft.p95` or `host=http://10.0.0.7:8000/failure_rate`. Manifests are untrusted, so
invalid names in them are ignored.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from katydid.model.documents.base import Document
from katydid.model.metrics.rates import FlatMetric
from katydid.model.oneline import one_line

MOST_PARTS = 32
"""Maximum parts of one run; a report shows each in its own row."""
_LONGEST = 200
_COLUMNS = {"models": "model", "hosts": "host"}
"""Sample columns by the manifest key that lists their values."""


@dataclass(frozen=True, slots=True)
class RunPart:
    """The requests to one model or one target.

    Attributes:
        column: column of the samples.
        value: value in that column.
    """

    column: str
    value: str

    @property
    def prefix(self) -> str:
        """The prefix of its metrics' names."""
        return f"{self.column}={self.value}/"

    def metric(self, whole: FlatMetric) -> FlatMetric:
        """Return the part's metric for a metric of the whole run."""
        return FlatMetric(
            self.prefix + whole.name,
            f"{whole.label} ({self.column} {self.value})",
            whole.unit,
            whole.better,
            whole.definition,
        )


def parts_of(manifest: Document | Mapping[str, object]) -> tuple[RunPart, ...]:
    """Return the parts of a run; empty if it uses one model and one target."""
    found = []
    for key, column in _COLUMNS.items():
        named = manifest.get(key)
        names = [name for name in named if _is_name(name)] if isinstance(named, list | dict) else []
        if len(names) > 1:
            found += [RunPart(column, name) for name in names]
    return tuple(dict.fromkeys(found))[:MOST_PARTS]


def _is_name(name: object) -> bool:
    return isinstance(name, str) and 0 < len(name) <= _LONGEST and name == one_line(name)
