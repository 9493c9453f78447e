"""The gate's judgement: checks with their verdicts, and the exit code. Knows neither how checks are made nor shown."""

from dataclasses import dataclass, field
from enum import StrEnum

from katydid.gate.thresholds import Policy
from katydid.model.documents.base import SCHEMA_VERSION
from katydid.model.documents.comparison import BothSides, Comparison
from katydid.model.documents.gate import CheckResult, GateResult
from katydid.model.errors import ExitCode, worst
from katydid.model.units import Unit


class CheckKind(StrEnum):
    """What a check judges."""

    RUN = "run"
    OBJECTIVE = "objective"
    COMPARISON = "comparison"


class GateVerdict(StrEnum):
    """The result of a check."""

    PASSED = "passed"
    FAILED = "failed"
    CANNOT_TELL = "cannot_tell"
    NO_DATA = "no_data"
    INVALID = "invalid"


FAILURE_RATE = "failure_rate"

_CODES = {
    GateVerdict.PASSED: ExitCode.PASSED,
    GateVerdict.FAILED: ExitCode.GATE_FAILED,
    GateVerdict.NO_DATA: ExitCode.INVALID,
    GateVerdict.INVALID: ExitCode.INVALID,
}


@dataclass(frozen=True, slots=True)
class GateCheck:
    """One check; `CheckResult` documents the fields that `--json` has.

    Attributes:
        doubt: whether `cannot_tell` warns or fails.
        unit: the unit of the value; None if the check is not about a metric.
    """

    kind: CheckKind
    metric: str
    limit: str
    verdict: GateVerdict
    reason: str = ""
    value: float | None = None
    values: tuple[float, ...] = ()
    at_least: bool = False
    compared: BothSides | None = None
    doubt: Policy = Policy.WARN
    unit: Unit | None = field(default=None, compare=False)

    @property
    def is_failure_rate(self) -> bool:
        """Whether this is the objective on the failure rate."""
        return self.kind is CheckKind.OBJECTIVE and self.metric == FAILURE_RATE

    @property
    def exit_code(self) -> ExitCode:
        """The exit code if this were the only check."""
        doubtful = ExitCode.CANNOT_TELL if self.doubt is Policy.FAIL else ExitCode.PASSED
        return _CODES.get(self.verdict, doubtful)

    def result(self) -> CheckResult:
        """The check as `--json` has it."""
        fields = {name: getattr(self, name) for name in CheckResult.__struct_fields__}
        return CheckResult(**fields | {"values": list(self.values), "exit_code": int(self.exit_code)})


@dataclass(frozen=True, slots=True)
class Judgement:
    """The result of the gate.

    Attributes:
        checks: checks of the runs themselves, then objectives, then the comparison.
        thresholds: the thresholds file.
        runs: names of the judged runs.
        comparison: the whole comparison; None without a baseline.
        headlines: the headline of a single run, or of each run that did not pass.
        doubtful: True if the failures say nothing about the target: the generator may have caused them, or a run had
            another load.
    """

    checks: tuple[GateCheck, ...]
    thresholds: str
    runs: tuple[str, ...]
    comparison: Comparison | None = None
    headlines: tuple[str, ...] = ()
    doubtful: bool = False

    @property
    def exit_code(self) -> ExitCode:
        """The worst exit code of all checks.

        A violated failure-rate objective is a result: checks that have no data because of the failures do not make it
        invalid, unless the failures are doubtful.
        """
        codes = [check.exit_code for check in self.checks]
        if self.too_many_failures and not self.doubtful:
            codes = [code for code in codes if code is not ExitCode.INVALID]
        return worst(*codes)

    @property
    def too_many_failures(self) -> bool:
        """True if the failure-rate objective is violated."""
        return any(check.is_failure_rate and check.verdict is GateVerdict.FAILED for check in self.checks)

    @property
    def passed(self) -> bool:
        """Whether the exit code is 0."""
        return self.exit_code is ExitCode.PASSED

    def result(self) -> GateResult:
        """The content of `--json` (docs/reference/json.md)."""
        return GateResult(
            schema_version=SCHEMA_VERSION,
            passed=self.passed,
            exit_code=int(self.exit_code),
            thresholds=self.thresholds,
            runs=list(self.runs),
            checks=[check.result() for check in self.checks],
            comparison=self.comparison,
        )
