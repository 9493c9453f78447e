"""The workload `batch`: one whole, non-streamed completion a request."""

from katydid.model.workload import Workload, register

register(Workload(name="batch", user="katydid.workloads.batch.user:BatchUser"))
