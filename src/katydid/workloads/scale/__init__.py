"""The workload `scale`: a sweep over stages of more and more users."""

from katydid.model.workload import Workload, register
from katydid.workloads.scale.analysis import scale_part
from katydid.workloads.scale.section import scale_section

register(
    Workload(
        name="scale",
        user="katydid.workloads.scale.user:ScaleUser",
        plan="stages",
        summarise=scale_part,
        sections=(scale_section,),
    )
)
