"""The workload `scale`: a sweep over stages of more and more users, which were all known before."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from katydid.engine.options import AT_MOST_A_YEAR, NOT_NEGATIVE, POSITIVE, RunOptions, option, run_options
from katydid.engine.services.chat import ChatService
from katydid.engine.stages.objective import read_criteria
from katydid.engine.stages.shape import HoldsShape
from katydid.engine.user import PacedUser
from katydid.load.stages import FixedPlan, Hold, StagePlan, read_stages
from katydid.model.errors import ConfigError
from katydid.workloads.batch.user import BatchOptions, BatchUser
from katydid.workloads.stream.user import StreamUser


@dataclass(frozen=True, kw_only=True)
class ScaleOptions(BatchOptions):
    """What a sweep was asked to do."""

    failure_threshold: int = option(
        0,
        "stop at this many failed requests; 0 = never: failures are what a sweep is to show",
        kind=int,
        rule=NOT_NEGATIVE,
    )
    stages: str = option("100,200,1000,10000", "users of each stage, in increasing order")
    stage_time: float = option(
        60.0, "seconds of each stage, its first interval not counted", kind=float, rule=POSITIVE, most=AT_MOST_A_YEAR
    )
    cool_down: float = option(
        10.0, "seconds without load between two stages", kind=float, rule=NOT_NEGATIVE, most=AT_MOST_A_YEAR
    )
    scale_workload: str = option("batch", "what each user asks for", choices=("batch", "stream"))
    thresholds: str | None = option(None, "file whose [objective] is to be kept (default: failures and --limit)")
    limit: float | None = option(
        None,
        "seconds that 95 % of the answers may take (default: the interval)",
        kind=float,
        rule=POSITIVE,
        most=AT_MOST_A_YEAR,
    )


class ScaleService(ChatService):
    """The service of a sweep."""

    @property
    def streams(self) -> bool:  # type: ignore[override]  # here an option says it
        """Whether users ask for streamed answers."""
        return bool(getattr(self._options, "scale_workload", "batch") == "stream")


class ScaleUser(BatchUser, StreamUser):
    """Asks for whole answers, or for streamed ones."""

    abstract = True
    workload = "scale"
    service_class: ClassVar[type[ChatService]] = ScaleService
    options_class: ClassVar[type[RunOptions]] = ScaleOptions
    request_type = "SCALE"

    def iterate(self, scheduled: float) -> None:
        """One request of the kind that was asked for."""
        options = self.run_context.options
        assert isinstance(options, ScaleOptions)  # noqa: S101 - it is our options_class
        if options.scale_workload == "stream":
            PacedUser.iterate(self, scheduled)
        else:
            BatchUser.iterate(self, scheduled)


class ScaleShape(HoldsShape):
    """One stage after the other."""

    def check(self, parsed: object) -> None:
        """See `HoldsShape.check`."""
        asked = run_options(parsed, ScaleOptions)
        read_stages(asked.stages)
        read_criteria(asked.thresholds, asked.limit, asked.interval, self.runtime.paced_users())
        if asked.stage_time <= asked.interval:
            raise ConfigError(
                f"--stage-time {asked.stage_time:g} is too short: the first {asked.interval:g} s are not counted"
            )

    def facts(self, workload: str) -> Mapping[str, Any]:
        """See `HoldsShape.facts`."""
        asked = self._options()
        criteria = read_criteria(asked.thresholds, asked.limit, asked.interval, self.runtime.paced_users())
        return {"workload": workload, "plan": "stages", "objective": [asdict(c) for c in criteria]}

    def make_plan(self) -> StagePlan:
        """See `HoldsShape.make_plan`."""
        asked = self._options()
        return FixedPlan(
            [
                Hold(users, asked.stage_time, asked.interval, pause=asked.cool_down if number else 0.0)
                for number, users in enumerate(read_stages(asked.stages))
            ]
        )

    def _options(self) -> ScaleOptions:
        return run_options(self.runtime.environment.parsed_options, ScaleOptions)
