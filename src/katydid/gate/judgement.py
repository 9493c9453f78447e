"""What the gate says: checks, each with a verdict, and the exit code that follows from them.

Knows neither how a check is made nor how it is shown.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from katydid.gate.thresholds import Policy
from katydid.model.documents.base import SCHEMA_VERSION
from katydid.model.documents.comparison import BothSides, Comparison
from katydid.model.documents.gate import CheckResult, GateResult
from katydid.model.errors import ExitCode, worst
from katydid.model.units import Unit


class CheckKind(StrEnum):
    """What a check looks at."""

    RUN = "run"
    OBJECTIVE = "objective"
    COMPARISON = "comparison"


class GateVerdict(StrEnum):
    """What came of a check."""

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
    """One question, and its answer: see `CheckResult`, which is what `--json` has of it.

    Attributes:
        doubt: what `cannot_tell` means here.
        unit: of the value; None where there is no metric.
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
        """Whether it is the objective of the failure rate."""
        return self.kind is CheckKind.OBJECTIVE and self.metric == FAILURE_RATE

    @property
    def exit_code(self) -> ExitCode:
        """What this check alone would make the gate exit with."""
        doubtful = ExitCode.CANNOT_TELL if self.doubt is Policy.FAIL else ExitCode.PASSED
        return _CODES.get(self.verdict, doubtful)

    def result(self) -> CheckResult:
        """Its part of `--json`."""
        return CheckResult(
            kind=str(self.kind),
            metric=self.metric,
            limit=self.limit,
            verdict=str(self.verdict),
            reason=self.reason,
            value=self.value,
            values=list(self.values),
            at_least=self.at_least,
            compared=self.compared,
            exit_code=int(self.exit_code),
        )


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the gate says.

    Attributes:
        checks: the runs themselves, then objectives, then the comparison.
        thresholds: where the limits came from.
        runs: names of the runs judged.
        comparison: what the comparison said, whole; None where there was none.
        headlines: of the runs that have more to tell than that they passed.
        doubtful: failures may be the generator's, or of another load: they say nothing about the target.
    """

    checks: tuple[GateCheck, ...]
    thresholds: str
    runs: tuple[str, ...]
    comparison: Comparison | None = None
    headlines: tuple[str, ...] = ()
    doubtful: bool = False

    @property
    def exit_code(self) -> ExitCode:
        """The worst of all checks.

        Too many failures are a result: what else cannot be judged because of them does not make it invalid, unless
        the failures are doubtful.
        """
        codes = [check.exit_code for check in self.checks]
        if self.too_many_failures and not self.doubtful:
            codes = [code for code in codes if code is not ExitCode.INVALID]
        return worst(*codes)

    @property
    def too_many_failures(self) -> bool:
        """Whether the objective of the failure rate is broken."""
        return any(check.is_failure_rate and check.verdict is GateVerdict.FAILED for check in self.checks)

    @property
    def passed(self) -> bool:
        """Whether CI may go on."""
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
