"""The workload `burst`: all users send one request at the same moment; how many does the service work on?"""

from katydid.model.workload import Workload, register
from katydid.workloads.burst.analysis import burst_summary
from katydid.workloads.burst.section import burst_section

register(
    Workload(
        name="burst", user="katydid.workloads.burst.user:BurstUser", summarise=burst_summary, sections=(burst_section,)
    )
)
