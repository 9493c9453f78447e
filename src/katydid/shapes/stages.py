"""The load shape of the workload `scale`: stages that were all known before, each with more users than the last."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from katydid.core.errors import ConfigError
from katydid.core.stages import FixedPlan, Hold, Plan, read_stages
from katydid.shapes.holds import HoldsShape
from katydid.shapes.objective import read_criteria
from katydid.users.options import run_options
from katydid.users.scale import ScaleOptions


class ScaleShape(HoldsShape):
    """One stage after the other."""

    def check(self, parsed: Any) -> None:
        """See `StagedShape.check`."""
        asked = run_options(parsed, ScaleOptions)
        read_stages(asked.stages)
        read_criteria(asked.thresholds, asked.limit, asked.interval, self.runtime.paced_users())
        if asked.stage_time <= asked.interval:
            raise ConfigError(
                f"--stage-time {asked.stage_time:g} is too short: the first {asked.interval:g} s are not counted"
            )

    def facts(self, workload: str) -> Mapping[str, Any]:
        """See `StagedShape.facts`."""
        asked = self._options()
        criteria = read_criteria(asked.thresholds, asked.limit, asked.interval, self.runtime.paced_users())
        return {"workload": workload, "plan": "stages", "objective": [asdict(c) for c in criteria]}

    def make_plan(self) -> Plan:
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
