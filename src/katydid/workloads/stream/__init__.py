"""The workload `stream`: each request asks for one streamed chat completion."""

from katydid.engine.options import RunOptions
from katydid.model.workload import Workload, register

register(Workload(name="stream", options=RunOptions, user="katydid.workloads.stream.user:StreamUser"))
