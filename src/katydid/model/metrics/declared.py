"""Metrics that a workload declares, and the catalogue of all metrics of a run: built-in, then declared. Pure.

A declaration is data: a sample column and how it is read. It travels in the manifest (`declared`), so anyone with the
run folder can show, compare and check the metric without the locustfile. Manifests are untrusted: they are checked as
strictly as a locustfile, and invalid declarations are left out.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from functools import cached_property
from types import UnionType
from typing import cast, get_args

from katydid.model.documents.base import Document
from katydid.model.documents.comparison import BothSides
from katydid.model.errors import ConfigError
from katydid.model.formatting import plural
from katydid.model.metrics import (
    DISTRIBUTIONS,
    METRICS,
    POOLED,
    Distribution,
    RunPart,
    parts_of,
    whole_name,
)
from katydid.model.metrics.rates import RATES, FlatMetric
from katydid.model.oneline import one_line
from katydid.model.sample import NO_COLUMNS, Sample
from katydid.model.units import Better, Unit

KEY = "declared"
"""Key of the manifest and of a comparison."""
MOST_METRICS, MOST_COLUMNS = 32, 64
"""Maximum number of declarations per run; a report shows each metric in its own row."""
LONGEST_LABEL, LONGEST_DEFINITION = 60, 400
_NAME = re.compile(r"[a-z][a-z0-9_]{0,47}", re.ASCII)
_COLUMN = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}", re.ASCII)
_OURS = frozenset(each.name for each in (*DISTRIBUTIONS, *POOLED, *RATES))
_KINDS: dict[str, type] = {"bool": bool, "int": int, "float": float, "str": str}


class Read(StrEnum):
    """How a metric is computed from its column, over successful requests that count.

    Attributes:
        DISTRIBUTION: quantiles, mean, minimum and maximum, such as `NAME.p95`.
        RATE: sum of the values per second.
        SHARE: fraction of the values that are true.
    """

    DISTRIBUTION = "distribution"
    RATE = "rate"
    SHARE = "share"


_UNITS = {Read.RATE: Unit.PER_SECOND, Read.SHARE: Unit.FRACTION}
"""Fixed units of rates and shares."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric that a workload declares: a sample column, and how it is read.

    Attributes:
        name: flat name, such as `vectors_per_s`; for a distribution, the part before the dot.
        label: name for readers.
        column: sample column, either one that the workload adds or a built-in one.
        read: `distribution`, `rate` (sum per second) or `share` (fraction of rows where it is true).
        unit: unit of a distribution: `ms` (the default), `/s`, `tok/s`, `×` or an empty text; other metrics have fixed
            units.
        better: `lower`, `higher` or `neither`.
        definition: a sentence for the report.

    Raises:
        ConfigError: a value is invalid; the message is one line.
    """

    name: str
    label: str
    column: str
    read: Read | str = Read.DISTRIBUTION
    unit: Unit | str | None = None
    better: Better | str = Better.LOWER
    definition: str = ""

    def __post_init__(self) -> None:
        """Check the values, and convert texts to enum members."""
        where = f"Metric({shown(self.name)})"
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise ConfigError(
                f"{where}: use a name of at most 48 lower-case letters, digits and _, such as vectors_per_s"
            )
        if self.name in _OURS:
            raise ConfigError(f"{where} is the name of a built-in metric: choose another")
        if not isinstance(self.column, str) or not _COLUMN.fullmatch(self.column):
            raise ConfigError(f"{where}: {shown(self.column)} is not a column name: give a column of the samples")
        for word, text, most in (
            ("label", self.label, LONGEST_LABEL),
            ("definition", self.definition, LONGEST_DEFINITION),
        ):
            if not isinstance(text, str) or len(text) > most or text != one_line(text):
                raise ConfigError(f"{where}: its {word} must be plain text of at most {most} characters")
        if not self.label:
            raise ConfigError(f"{where}: give it a label for readers")
        read = cast("Read", _one_of(Read, self.read, f"{where}: read"))
        better = _one_of(Better, self.better, f"{where}: better")
        own = _UNITS.get(read, Unit.MS)
        unit = own if self.unit is None else _one_of(Unit, self.unit, f"{where}: unit")
        if unit is not own if read in _UNITS else unit is Unit.FRACTION:
            raise ConfigError(f"{where}: a {read} is not measured in {str(unit)!r}: leave the unit out")
        for key, value in (("read", read), ("better", better), ("unit", unit)):
            object.__setattr__(self, key, value)

    @property
    def distribution(self) -> Distribution:
        """The metric as a `Distribution`; only for metrics that are read as one."""
        unit, better = cast("Unit", self.unit), cast("Better", self.better)
        return Distribution(self.name, self.label, self.column, self.definition, better, primary=True, unit=unit)

    def flat(self) -> list[FlatMetric]:
        """Return its metrics under their names in `summary.json`."""
        if self.read == Read.DISTRIBUTION:
            return self.distribution.flat()
        unit, better = cast("Unit", self.unit), cast("Better", self.better)
        return [FlatMetric(self.name, self.label, unit, better, self.definition)]


@dataclass(frozen=True)
class Catalogue:
    """All metrics that a run may have.

    Attributes:
        declared: metrics that the workload declares.
        damaged: why declarations were left out, one line each.
        replaced: metrics for which several runs give different meanings to one name, so that their values cannot be
            compared.
        columns: the workload's columns, with the names of their types.
        rules: names of the workload's own validity rules; their code stays with the workload.
        parts: parts of a run that uses several models or targets; each part has all metrics, too.
    """

    declared: tuple[Metric, ...] = ()
    damaged: tuple[str, ...] = ()
    replaced: tuple[Metric, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[str, ...] = ()
    parts: tuple[RunPart, ...] = ()

    @cached_property
    def distributions(self) -> tuple[Distribution, ...]:
        """All distributions: built-in, then declared."""
        return (*DISTRIBUTIONS, *(m.distribution for m in self.declared if m.read == Read.DISTRIBUTION))

    @cached_property
    def spread(self) -> tuple[Distribution, ...]:
        """All metrics that have quantiles."""
        return (*self.distributions, *POOLED)

    @cached_property
    def figures(self) -> tuple[FlatMetric, ...]:
        """Metrics of the whole run: built-in, then declared."""
        return (*RATES, *(m.flat()[0] for m in self.of_the_run))

    @cached_property
    def of_the_run(self) -> tuple[Metric, ...]:
        """Declared rates and shares, which have one value for the whole run."""
        return tuple(metric for metric in self.declared if metric.read != Read.DISTRIBUTION)

    @cached_property
    def metrics(self) -> Mapping[str, FlatMetric]:
        """All metrics by flat name."""
        own = {flat.name: flat for metric in (*self.replaced, *self.declared) for flat in metric.flat()}
        whole = METRICS | own
        each = (part.metric(metric) for part in self.parts for metric in whole.values())
        return whole | {metric.name: metric for metric in each}

    @cached_property
    def differing(self) -> frozenset[str]:
        """Names that several runs declare with different meanings."""
        return frozenset(metric.name for metric in self.replaced)

    def part_of(self, metric: str) -> RunPart | None:
        """Return the part that a metric or distribution belongs to; None for the whole run."""
        whole = whole_name(metric)
        return next((part for part in self.parts if part.prefix + whole == metric), None)

    @property
    def complaint(self) -> str:
        """One line about what was left out; empty if nothing was."""
        if not self.damaged:
            return ""
        return f"{plural(len(self.damaged), 'declared metric')} left out: {self.damaged[0]}"

    def as_json(self) -> dict[str, object]:
        """Return the value of the key `declared`."""
        metrics = [asdict(metric) for metric in self.declared]
        return {"columns": dict(self.columns), "metrics": metrics, "rules": list(self.rules)}


SHIPPED = Catalogue()
"""The catalogue of a run whose workload declares nothing."""


def declare(columns: Mapping[str, type], metrics: Iterable[Metric], rules: Iterable[str] = ()) -> dict[str, object]:
    """Return the manifest's entry on a workload's own columns, metrics and rules; empty if there are none.

    Raises:
        ConfigError: a metric reads a column that no row has, or two metrics have the same name.
    """
    metrics, rules = tuple(metrics), tuple(rules)
    seen: dict[str, Metric] = {}
    for metric in metrics:
        if not isinstance(metric, Metric):
            raise ConfigError(f"metrics: {shown(metric)} is not a Metric: write Metric(name, label, column)")
        if seen.setdefault(metric.name, metric) != metric:
            raise ConfigError(f"Metric({metric.name!r}) is declared twice: give one of them another name")
        _check_column(metric, columns)
    if len(seen) > MOST_METRICS or len(columns) > MOST_COLUMNS:
        raise ConfigError(
            f"a workload may declare at most {MOST_METRICS} metrics and {MOST_COLUMNS} columns: leave some out"
        )
    if not seen and not rules:
        return {}
    named = {name: kind.__name__ for name, kind in columns.items()}
    return {KEY: Catalogue(tuple(seen.values()), columns=named, rules=rules).as_json()}


def catalogue_of(*documents: Document | Mapping[str, object]) -> Catalogue:
    """Return the catalogue of several runs, given their manifests, or of a comparison, given its result.

    If labels or definitions differ, the last document's are used.
    """
    found: dict[str, Metric] = {}
    columns: dict[str, str] = {}
    damaged: dict[str, None] = {}
    rules: dict[str, None] = {}
    replaced: list[Metric] = []
    parts: dict[RunPart, None] = {}
    for document in documents:
        parts |= dict.fromkeys(parts_of(document))
        read = _read(document.get(KEY))
        damaged |= dict.fromkeys(read.damaged)
        columns |= read.columns
        rules |= dict.fromkeys(read.rules)
        for metric in read.declared:
            before = found.get(metric.name)
            if before is not None and _meaning(before) != _meaning(metric):
                replaced.append(before)
            found[metric.name] = metric
    return Catalogue(tuple(found.values()), tuple(damaged), tuple(replaced), columns, tuple(rules), tuple(parts))


def declared_columns(document: Document | Mapping[str, object]) -> set[str]:
    """Return the columns that declared metrics read, without built-in columns."""
    return {metric.column for metric in _read(document.get(KEY)).declared} - _SAMPLE_KINDS.keys()


def described(row: BothSides) -> FlatMetric:
    """Return the metric of a row of a comparison; for a declared metric, it is described by the row itself."""
    return METRICS.get(row.name) or FlatMetric(row.name, row.label, row.unit, row.better, "")


def shown(value: object) -> str:
    """Quote an untrusted value for a message: short, without control characters."""
    text = one_line(value)
    return repr(text if len(text) <= LONGEST_LABEL else text[: LONGEST_LABEL - 1] + "…")


def _meaning(metric: Metric) -> tuple[object, ...]:
    return metric.column, metric.read, metric.unit, metric.better


def _one_of(kind: type[StrEnum], value: object, where: str) -> StrEnum:
    try:
        return kind(cast("str", value))
    except (ValueError, TypeError):
        known = ", ".join(repr(str(each)) for each in kind)
        raise ConfigError(f"{where}: {shown(value)} is not one of {known}") from None


def _kind(annotation: object) -> type:
    kinds = [k for k in get_args(annotation) if k is not type(None)] if isinstance(annotation, UnionType) else []
    return cast("type", kinds[0] if kinds else annotation)


_SAMPLE_KINDS = {f.name: _kind(f.type) for f in fields(Sample) if f.name not in NO_COLUMNS}


def _check_column(metric: Metric, columns: Mapping[str, type]) -> None:
    """Check that the column exists and that its type suits the metric."""
    kind = _SAMPLE_KINDS.get(metric.column) or columns.get(metric.column)
    if kind is None:
        raise ConfigError(
            f"Metric({metric.name!r}): no row has the column {metric.column!r}: declare it with "
            f"columns={{{metric.column!r}: int}}"
        )
    asked = {Read.SHARE: (bool,), Read.RATE: (int, float, bool)}.get(cast("Read", metric.read), (int, float))
    if kind not in asked:
        kinds = " or ".join(each.__name__ for each in asked)
        raise ConfigError(
            f"Metric({metric.name!r}): a {metric.read} needs a column of {kinds}, but the column {metric.column!r} "
            f"contains {kind.__name__}"
        )


def _read(said: object) -> Catalogue:
    """Read the valid declarations of a manifest."""
    if said is None:
        return SHIPPED
    told = said if isinstance(said, dict) else {}
    kinds, listed, rules = (told.get(key) for key in ("columns", "metrics", "rules"))
    if not isinstance(kinds, dict) or not isinstance(listed, list):
        return Catalogue(damaged=(f"{KEY!r} of the manifest is not a table of columns and metrics",))
    named = [each for each in kinds.items() if str(each[1]) in _KINDS and _COLUMN.fullmatch(each[0])]
    columns = {name: _KINDS[str(kind)] for name, kind in named[:MOST_COLUMNS]}
    found: dict[str, Metric] = {}
    damaged = []
    for each in listed[:MOST_METRICS]:
        try:
            metric = Metric(**each) if isinstance(each, dict) else Metric(each, "", "")
            _check_column(metric, columns)
            found[metric.name] = metric
        except ConfigError as error:
            damaged.append(str(error))
        except TypeError:  # keys that are missing, or that no metric has
            damaged.append(f"Metric({shown(each.get('name'))}) has missing or unknown keys")
    damaged += [f"more than {MOST_METRICS} are declared"] * max(0, len(listed) - MOST_METRICS)
    named_rules = [r for r in rules if isinstance(r, str) and _NAME.fullmatch(r)] if isinstance(rules, list) else []
    return Catalogue(
        tuple(found.values()),
        tuple(damaged),
        columns={name: kind.__name__ for name, kind in columns.items()},
        rules=tuple(dict.fromkeys(named_rules[:MOST_METRICS])),
    )
