"""The workload `batch`: each request asks for one non-streamed completion."""

from dataclasses import dataclass

from katydid.engine.options import RunOptions
from katydid.model.options import POSITIVE, option
from katydid.model.options.quantities import count
from katydid.model.workload import Workload, register


@dataclass(frozen=True, kw_only=True)
class BatchOptions(RunOptions):
    """Options of the workload `batch`."""

    on_429: str = option(
        "fail",
        "after a 429: fail = the request has failed; backoff = retry it after growing delays (each try is a row)",
        choices=("fail", "backoff"),
        variable="LOAD_TEST_ON_429",
    )
    tries: int = option(5, "with --on-429 backoff: tries per request, the first included", kind=count, rule=POSITIVE)


register(Workload(name="batch", options=BatchOptions, user="katydid.workloads.batch.user:BatchUser"))
