"""The workload `batch`: one whole, non-streamed completion a request."""

from dataclasses import dataclass

from katydid.engine.options import RunOptions
from katydid.model.options import POSITIVE, option
from katydid.model.options.quantities import count
from katydid.model.workload import Workload, register


@dataclass(frozen=True, kw_only=True)
class BatchOptions(RunOptions):
    """What a batch run was asked to do."""

    on_429: str = option(
        "fail",
        "a refused request: fail = leave it at that; backoff = try again, later and later, each try a row",
        choices=("fail", "backoff"),
        variable="LOAD_TEST_ON_429",
    )
    tries: int = option(5, "with --on-429 backoff, how often a request is tried in all", kind=count, rule=POSITIVE)


register(Workload(name="batch", options=BatchOptions, user="katydid.workloads.batch.user:BatchUser"))
