"""`katydid gate --json`: the results of the gate's checks. Pure."""

from katydid.model.documents.base import Document, Part
from katydid.model.documents.comparison import BothSides, Comparison


class CheckResult(Part, kw_only=True, frozen=True):
    """One check of the gate, and its result.

    Attributes:
        kind: `run`, `objective` or `comparison`.
        metric: flat name; `valid` and `ended` for the runs themselves, `comparison` for a whole comparison.
        limit: the limit, as a person would write it.
        verdict: `passed`, `failed`, `cannot_tell`, `no_data` or `invalid`.
        reason: why; empty if value and limit explain the verdict.
        value: measured value in milliseconds, as a fraction or per second; the median of several runs.
        values: the value of each run, if there are several.
        at_least: true if the value is a lower bound.
        compared: the metric's row of the comparison, or else the baseline's value next to this one; null without both.
        exit_code: the gate's exit code if this were the only check.
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
        passed: true if the gate passed.
        exit_code: exit code of the command.
        thresholds: path of the thresholds file.
        runs: the checked run folders.
        checks: checks of the runs themselves, then of objectives, then of the comparison.
        comparison: the whole comparison; null if there was none.
    """

    schema_version: int
    passed: bool
    exit_code: int
    thresholds: str
    runs: list[str]
    checks: list[CheckResult]
    comparison: Comparison | None
