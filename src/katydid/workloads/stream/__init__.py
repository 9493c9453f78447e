"""The workload `stream`: one streamed chat completion a request."""

from katydid.model.workload import Workload, register

register(Workload(name="stream", user="katydid.workloads.stream.user:StreamUser"))
