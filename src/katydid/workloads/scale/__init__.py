"""The workload `scale`: a sweep over stages of increasing load."""

from dataclasses import dataclass

from katydid.model.options import NOT_NEGATIVE, POSITIVE, option
from katydid.model.options.quantities import count, duration
from katydid.model.workload import Workload, register
from katydid.workloads.batch import BatchOptions
from katydid.workloads.scale.analysis import scale_part
from katydid.workloads.scale.section import scale_answer, scale_section


@dataclass(frozen=True, kw_only=True)
class ScaleOptions(BatchOptions):
    """Options of the workload `scale`."""

    failure_threshold: int = option(
        0,
        "abort the run after this many failed requests; 0 = never, since a sweep should show failures",
        kind=count,
        rule=NOT_NEGATIVE,
    )
    stages: str = option("100,200,1000,10000", "users of each stage, in increasing order")
    stage_rates: str | None = option(
        None,
        "requests/s of each stage instead of its users, in increasing order, such as 1,2.5,10; see --arrivals "
        "(default: none)",
    )
    stage_time: float = option(
        60.0,
        "seconds of each stage; its first interval does not count (in a closed loop, its first fifth)",
        kind=duration,
        rule=POSITIVE,
    )
    cool_down: float = option(10.0, "seconds without load between two stages", kind=duration, rule=NOT_NEGATIVE)
    scale_workload: str = option("batch", "kind of each user's requests", choices=("batch", "stream"))
    thresholds: str | None = option(None, "file with the [objective] to meet (default: failures and --limit)")
    limit: float | None = option(
        None,
        "seconds within which 95 % of the answers must come (default: the interval; in a closed loop none)",
        kind=duration,
        rule=POSITIVE,
    )


register(
    Workload(
        name="scale",
        options=ScaleOptions,
        user="katydid.workloads.scale.user:ScaleUser",
        plan="stages",
        summarise=scale_part,
        answer=scale_answer,
        sections=(scale_section,),
    )
)
