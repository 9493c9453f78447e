"""The load shape of the workload `scale`: stages that were all known before, each with more users than the last."""

from dataclasses import asdict

from katydid.engine.options import run_options
from katydid.engine.stages.objective import read_criteria
from katydid.engine.stages.shape import HoldsShape, StagedFacts
from katydid.load.stages import FixedPlan, Hold, StagePlan, read_stages
from katydid.model.errors import ConfigError
from katydid.workloads.scale import ScaleOptions


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

    def facts(self, workload: str) -> StagedFacts:
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
