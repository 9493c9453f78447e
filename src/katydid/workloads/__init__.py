"""The workloads that ship with Katydid: one folder each, with its user class, options, analysis and report section.

Importing this package registers all workloads. It does not import Locust; only their user classes (`user.py`) do.
"""

from importlib import import_module
from typing import Any

from katydid.model.workload import WORKLOADS
from katydid.workloads import batch, burst, chat, resilience, retrieval, scale, session, speech, stream, tools

__all__ = [
    "batch", "burst", "chat", "resilience", "retrieval", "scale", "session", "speech", "stream", "tools", "user_class",
]  # fmt: skip


def user_class(workload: str) -> Any:
    """Return the user class of a workload. This imports Locust."""
    module, _, name = WORKLOADS[workload].user.partition(":")
    return getattr(import_module(module), name)
