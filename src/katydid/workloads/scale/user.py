"""The workload `scale`: a sweep over given stages of increasing users, or requests per second."""

from dataclasses import asdict
from typing import ClassVar

from katydid.engine.options import RunOptions
from katydid.engine.options.arrivals import WARM_UP_SHARE
from katydid.engine.options.load import pool_of
from katydid.engine.options.parsing import run_options
from katydid.engine.services.chat import ChatService
from katydid.engine.stages.shape import HoldsShape, StagedFacts, facts_of_rates, read_criteria
from katydid.engine.user import PacedUser
from katydid.load.stages import FixedPlan, Hold, StagePlan, read_stage_rates, read_stages
from katydid.model.errors import ConfigError
from katydid.workloads.batch.user import BatchUser
from katydid.workloads.scale import ScaleOptions
from katydid.workloads.stream.user import StreamUser


class ScaleService(ChatService[ScaleOptions]):
    """The service of a sweep."""

    @property
    def streams(self) -> bool:  # type: ignore[override]  # an option decides
        """Return True if answers are streamed."""
        return self.options.scale_workload == "stream"


class ScaleUser(BatchUser, StreamUser):
    """Requests streamed or non-streamed answers."""

    options: ScaleOptions
    service: ScaleService
    abstract = True
    workload = "scale"
    service_class: ClassVar[type[ChatService[RunOptions]]] = ScaleService
    options_class: ClassVar[type[RunOptions]] = ScaleOptions
    request_type = "SCALE"

    def iterate(self, scheduled: float) -> None:
        """Send one request of the kind in the options."""
        if self.options.scale_workload == "stream":
            PacedUser.iterate(self, scheduled)
        else:
            BatchUser.iterate(self, scheduled)


class ScaleShape(HoldsShape):
    """Runs one stage after the other."""

    def check(self, parsed: object) -> None:
        """See `HoldsShape.check`."""
        asked = run_options(parsed, ScaleOptions)
        _loads(asked)
        read_criteria(asked.thresholds, asked.limit, asked.interval, self.runtime.paced_users())
        if asked.rate is not None or (asked.stage_rates and not asked.interval):
            flag = "--rate" if asked.rate is not None else "--interval 0"
            raise ConfigError(f"{flag}: the stages of a sweep have their own rates: give only --stage-rates")
        if asked.stage_time <= asked.interval:
            raise ConfigError(
                f"--stage-time {asked.stage_time:g} is too short: the first {asked.interval:g} s do not count"
            )

    def facts(self, workload: str) -> StagedFacts:
        """See `HoldsShape.facts`."""
        asked = self._options()
        criteria = read_criteria(asked.thresholds, asked.limit, asked.interval, self.runtime.paced_users())
        facts = facts_of_rates(asked.arrivals) if asked.stage_rates else StagedFacts()
        return {
            **facts,
            "workload": workload,
            "plan": "stages",
            "objective": [asdict(c) for c in criteria],
        }

    def at_rates(self, parsed: object) -> bool:
        """See `HoldsShape.at_rates`."""
        return bool(run_options(parsed, ScaleOptions).stage_rates)

    def make_plan(self) -> StagePlan:
        """See `HoldsShape.make_plan`."""
        asked = self._options()
        settle = asked.interval or asked.stage_time / WARM_UP_SHARE
        return FixedPlan(
            [
                Hold(users, asked.stage_time, settle, pause=asked.cool_down if number else 0.0, rate=rate)
                for number, (users, rate) in enumerate(_loads(asked))
            ]
        )

    def _options(self) -> ScaleOptions:
        return run_options(self.runtime.environment.parsed_options, ScaleOptions)


def _loads(asked: ScaleOptions) -> list[tuple[int, float | None]]:
    """Return users and rate of each stage."""
    if asked.stage_rates:
        return [(pool_of(rate), rate) for rate in read_stage_rates(asked.stage_rates)]
    return [(users, None) for users in read_stages(asked.stages)]
