"""Reads a thresholds file (TOML) and checks all of it, with its limits, such as `< 1.5s`, `>= 20/s` or `<= 1%`.

An unknown name is an error: a mistyped objective that silently passes is worse than none. Knows no run.
"""

import math
import operator
import re
import tomllib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from difflib import get_close_matches
from enum import StrEnum
from itertools import product
from pathlib import Path

from katydid.model.documents.comparison import CompareSettings
from katydid.model.errors import ConfigError, os_words
from katydid.model.metrics.declared import SHIPPED, Catalogue
from katydid.model.metrics.rates import FlatMetric
from katydid.model.options.quantities import exact_duration
from katydid.model.units import Better, Unit
from katydid.runs.files import read_named

MOST_BYTES = 2**20
"""Size limit of a thresholds file, so that a device or a wrong file does not fill the memory."""
SECTIONS: dict[str, tuple[str, ...]] = {
    "objective": (),
    "compare": ("primary", "min_change", "same_within"),
    "policy": ("family_alpha", "cannot_tell", "stopped_early"),
}
"""The keys of each section; the keys of `objective` are the metrics."""


_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

ASKED = {
    Unit.MS: ("time", "< 1.5s or < 200ms"),
    Unit.FRACTION: ("percent", "< 1%"),
    Unit.PER_SECOND: ("events per second", "> 20/s"),
    Unit.TOKENS_PER_SECOND: ("tokens per second", "> 20 tok/s"),
    Unit.RATIO: ("a plain ratio", "< 0.8"),
    Unit.COUNT: ("a plain number", "< 10"),
}
"""For each unit, its name in messages and an example of a limit."""
_SUFFIXES = {
    Unit.MS: (),  # times are written as durations
    Unit.FRACTION: ("%",),
    Unit.PER_SECOND: ("/s",),
    Unit.TOKENS_PER_SECOND: ("/s", "tok/s"),
    Unit.RATIO: ("", "×", "x"),
    Unit.COUNT: ("",),
}
"""What may follow a number."""
_LIMIT = re.compile(r"\s*(?P<operator><=|>=|<|>)\s*(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[^\s\d]*)\s*", re.ASCII)
_TIME = re.compile(r"\s*(?P<operator><=|>=|<|>)\s*(?P<time>[\d.]+\s*[^\s\d].*)", re.DOTALL)
_PERCENT = re.compile(r"\s*(?P<number>\d+(?:\.\d+)?)\s*%\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit on a metric.

    Attributes:
        operator: `<`, `<=`, `>` or `>=`.
        value: the limit in the unit of `summary.json`: milliseconds, a fraction, or per second.
        text: the limit as written in the file.
    """

    operator: str
    value: float
    text: str

    @property
    def is_upper(self) -> bool:
        """Whether this is an upper limit."""
        return self.operator.startswith("<")

    @property
    def is_strict(self) -> bool:
        """True if a value equal to the limit violates it."""
        return not self.operator.endswith("=")

    def keeps(self, value: float) -> bool:
        """Whether a value is within the limit; NaN never is."""
        return _OPERATORS[self.operator](value, self.value)


def read_limit(text: object, unit: Unit) -> Limit:
    """Parse a limit of a thresholds file.

    Raises:
        ConfigError: the text is not a limit in this unit, or no value could meet or violate it. The message names no
            file.
    """
    measured, example = ASKED[unit]
    if not isinstance(text, str):
        raise ConfigError(
            f'{text!r} is an invalid limit: write a comparison, a number and a unit in quotes, such as "{example}"'
        )
    found = _TIME.fullmatch(text) if unit is Unit.MS else None
    seconds = exact_duration(found["time"]) if found else None
    if found is None or seconds is None:
        found = _LIMIT.fullmatch(text)
        if found is None:
            raise ConfigError(
                f'"{text}" is an invalid limit: write <, <=, > or >=, a number and a unit, such as "{example}"'
            )
        if found["unit"] not in _SUFFIXES[unit]:
            given = f'the unit "{found["unit"]}"' if found["unit"] else "no unit"
            raise ConfigError(
                f'"{text}" has {given}, but the metric is measured in {measured}: write it as in "{example}"'
            )
    # Decimal, so that 2.9 % is the same float as 29 of 1000.
    number = Decimal(found["number"]) / (100 if unit is Unit.FRACTION else 1) if seconds is None else seconds * 1000
    limit = Limit(found["operator"], float(number), text.strip())
    kept = [limit.keeps(value) for value in (0.0, 1.0 if unit is Unit.FRACTION else math.inf)]
    if any(kept) and not all(kept):
        return limit
    # It must be a typing error.
    raise ConfigError(f'"{text.strip()}" can never be {"violated" if all(kept) else "met"}: choose another number')


def read_percent(text: object) -> float:
    """Parse a percentage such as `5%` into a fraction.

    Raises:
        ConfigError: the text is not a percentage.
    """
    found = _PERCENT.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        given = f'"{text}"' if isinstance(text, str) else repr(text)
        raise ConfigError(f'{given} is not a percentage: write it in quotes, such as "5%"')
    return float(Decimal(found["number"]) / 100)


class Policy(StrEnum):
    """Whether a doubtful result only warns, or fails the gate."""

    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Objective:
    """A metric and its limit."""

    metric: str
    limit: Limit


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The content of a thresholds file.

    Attributes:
        source: the file's path, for messages.
        objectives: absolute limits, in the file's order.
        wants_comparison: True if the file has a section [compare], and so expects a baseline.
        settings: settings of the comparison, with defaults for keys that the file lacks.
        cannot_tell: policy for an undecided comparison.
        stopped_early: policy for a run that its failure threshold stopped.
        catalogue: the metrics that the file may name.
    """

    source: str
    objectives: tuple[Objective, ...] = ()
    wants_comparison: bool = False
    settings: CompareSettings = field(default_factory=CompareSettings)
    cannot_tell: Policy = Policy.WARN
    stopped_early: Policy = Policy.FAIL
    catalogue: Catalogue = SHIPPED


def read_thresholds(path: Path, catalogue: Catalogue = SHIPPED) -> Thresholds:
    """Read a thresholds file.

    Args:
        path: path of the file.
        catalogue: the metrics that the file may name: Katydid's own and those that the workload declares.

    Raises:
        ConfigError: the file is missing or wrong; one line that names the file and the key.
    """
    try:
        content = tomllib.loads(read_named(path, MOST_BYTES).decode("utf-8-sig"))
    except ConfigError as error:
        raise ConfigError(f"{path} {error}: name a thresholds file") from None
    except OSError as error:
        raise ConfigError(f"{path}: {os_words(error)}; name a thresholds file") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8 text: save it in UTF-8") from None
    except (RecursionError, ValueError) as error:  # a number of thousands of digits raises ValueError too
        raise ConfigError(f"{path} is not TOML: {str(error).lower()}") from None
    return parse_thresholds(content, str(path), catalogue)


def parse_thresholds(content: Mapping[str, object], source: str, catalogue: Catalogue = SHIPPED) -> Thresholds:
    """Check the parsed content of a file; messages name `source`.

    Raises:
        ConfigError: see `read_thresholds`.
    """
    _check_keys(content, SECTIONS, source, "section ")
    objective, compare, policy = (_section(content, name, source) for name in SECTIONS)
    for name, section in (("compare", compare), ("policy", policy)):
        _check_keys(section, SECTIONS[name], f"{source}: [{name}]")
    thresholds = Thresholds(
        source=source,
        objectives=_objectives(objective, f"{source}: [objective]", catalogue),
        wants_comparison="compare" in content,
        settings=_settings(compare, policy, source, catalogue.metrics),
        cannot_tell=_policy(policy, "cannot_tell", Policy.WARN, source),
        stopped_early=_policy(policy, "stopped_early", Policy.FAIL, source),
        catalogue=catalogue,
    )
    if not thresholds.objectives and not thresholds.wants_comparison:
        raise ConfigError(f"{source} has no limits: add a section [objective] or [compare]")
    return thresholds


def _section(content: Mapping[str, object], name: str, source: str) -> Mapping[str, object]:
    section = content.get(name, {})
    if not isinstance(section, dict):
        raise ConfigError(f"{source}: {name} is not a section: write [{name}] on a line of its own")
    return section


def _check_keys(given: Iterable[str], known: Collection[str], where: str, kind: str = "") -> None:
    for key in given:
        if key not in known:
            raise ConfigError(f'{where}: there is no {kind}"{key}"{_suggest(key, known)}')


def _suggest(name: str, known: Collection[str]) -> str:
    if near := get_close_matches(name, known):
        return f": did you mean {' or '.join(near)}?"
    return f": choose one of {', '.join(known)}" if len(known) < 10 else ": a run's summary.json lists the metrics"


def _objectives(section: Mapping[str, object], where: str, catalogue: Catalogue) -> tuple[Objective, ...]:
    objectives: dict[str, Objective] = {}
    known = catalogue.metrics
    for name, text in _flat(section):
        if name not in known:
            raise ConfigError(f'{where} "{name}": there is no such metric{_suggest(name, known)}')
        if name in objectives:
            raise ConfigError(f'{where} "{name}" is given twice: keep one')
        try:
            objectives[name] = Objective(name, read_limit(text, known[name].unit))
        except ConfigError as error:
            raise ConfigError(f'{where} "{name}": {error}') from None
    _check_together(objectives, where, catalogue)
    return tuple(objectives.values())


def _flat(section: Mapping[str, object], prefix: str = "") -> Iterable[tuple[str, object]]:
    """Keys and values; TOML reads an unquoted ttft.p95 as a table in a table."""
    for key, value in section.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


_IN_ORDER = ("min", "p50", "p90", "p95", "p99", "max")


def _check_together(objectives: Mapping[str, Objective], where: str, catalogue: Catalogue) -> None:
    """Reject limits of one distribution that contradict each other, such as a p50 above 2 s and a p95 below 1 s."""
    for distribution in catalogue.spread:
        names = [f"{distribution.name}.{statistic}" for statistic in _IN_ORDER]
        given = [(rank, objectives[name]) for rank, name in enumerate(names) if name in objectives]
        for (low_rank, low), (high_rank, high) in product(given, given):
            if low_rank < high_rank and _leave_no_room(low.limit, high.limit):
                raise ConfigError(
                    f'{where} "{low.metric}" = "{low.limit.text}" contradicts "{high.metric}" = "{high.limit.text}": '
                    f"{low.metric} is never more than {high.metric}"
                )


def _leave_no_room(lower: Limit, upper: Limit) -> bool:
    if lower.is_upper or not upper.is_upper:
        return False
    strict = lower.is_strict or upper.is_strict
    return lower.value > upper.value or (strict and lower.value == upper.value)


def _settings(
    compare: Mapping[str, object], policy: Mapping[str, object], source: str, known: Mapping[str, FlatMetric]
) -> CompareSettings:
    usual = CompareSettings()
    where = f"{source}: [compare]"
    settings = CompareSettings(
        primary=_primary(compare["primary"], f"{where} primary", known) if "primary" in compare else usual.primary,
        min_change=_percent(compare, "min_change", usual.min_change, where),
        same_within=_percent(compare, "same_within", usual.same_within, where),
        family_alpha=_alpha(policy.get("family_alpha", usual.family_alpha), f"{source}: [policy] family_alpha"),
    )
    if not settings.min_change <= settings.same_within or not 0 < settings.same_within < 1:
        raise ConfigError(
            f"{where} min_change {settings.min_change:.4g} and same_within {settings.same_within:.4g} contradict each "
            "other: choose 0 ≤ min_change ≤ same_within < 1 (as fractions), and same_within above 0"
        )
    return settings


def _percent(section: Mapping[str, object], key: str, default: float, where: str) -> float:
    try:
        return read_percent(section[key]) if key in section else default
    except ConfigError as error:
        raise ConfigError(f"{where} {key}: {error}") from None


def _primary(names: object, where: str, known: Mapping[str, FlatMetric]) -> tuple[str, ...]:
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise ConfigError(f'{where}: give a list of metrics, such as ["duration.p50", "duration.p95"]')
    for name in names:
        if name not in known:
            raise ConfigError(f'{where}: there is no metric "{name}"{_suggest(name, known)}')
        if known[name].better is Better.NEITHER:
            raise ConfigError(f'{where}: "{name}" has no better direction: choose another metric')
    if len(set(names)) < len(names):
        raise ConfigError(f"{where}: a metric is given twice: keep one")
    return tuple(names)


def _alpha(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 0.2:
        raise ConfigError(f"{where}: {value!r} is not a false-alarm rate: choose a number above 0 and at most 0.2")
    return float(value)


def _policy(section: Mapping[str, object], key: str, default: Policy, source: str) -> Policy:
    value = section.get(key, default)
    if not isinstance(value, str) or value not in list(Policy):
        raise ConfigError(f'{source}: [policy] {key}: {value!r} is not a policy: choose "warn" or "fail"')
    return Policy(value)
