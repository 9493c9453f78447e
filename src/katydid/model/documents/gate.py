"""`katydid gate --json`: the judgement on runs. Pure."""

from katydid.model.documents.base import Document, Part
from katydid.model.documents.comparison import BothSides, Comparison


class CheckResult(Part, kw_only=True, frozen=True):
    """One question to the runs, and its answer.

    Attributes:
        kind: `run`, `objective` or `comparison`.
        metric: its flat name; `valid` and `ended` for the runs themselves, `comparison` for a comparison as a whole.
        limit: what was asked for, as a person would write it.
        verdict: `passed`, `failed`, `cannot_tell`, `no_data` or `invalid`.
        reason: why; empty where the value beside its limit says it all.
        value: what was measured: milliseconds, fractions, per second; of several runs the middle one.
        values: of each run, where there are several.
        at_least: the value is a lower bound.
        compared: the metric's row of the comparison, or else the baseline's value beside its own; null without either.
        exit_code: what this check alone would make the gate exit with.
    """

    kind: str
    metric: str
    limit: str
    verdict: str
    reason: str
    value: float | None
    values: list[float]
    at_least: bool
    compared: BothSides | None
    exit_code: int


class GateResult(Document, kw_only=True, frozen=True):
    """The content of `katydid gate --json`.

    Attributes:
        passed: whether CI may go on.
        exit_code: of the command.
        thresholds: the file that the limits came from.
        runs: the folders that were judged.
        checks: the runs themselves, then objectives, then the comparison.
        comparison: what the comparison said, whole; null where there was none.
    """

    schema_version: int
    passed: bool
    exit_code: int
    thresholds: str
    runs: list[str]
    checks: list[CheckResult]
    comparison: Comparison | None
