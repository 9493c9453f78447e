"""The workloads that ship with Katydid, a folder each with all that it owns: users, options, analysis, section.

Importing this registers them; it brings no Locust. Their users' classes (`user.py`) do.
"""

from importlib import import_module
from typing import Any

from katydid.model.workload import WORKLOADS
from katydid.workloads import batch, burst, chat, resilience, scale, session, speech, stream, tools

__all__ = ["batch", "burst", "chat", "resilience", "scale", "session", "speech", "stream", "tools", "user_class"]


def user_class(workload: str) -> Any:
    """The class of a workload's users; imports Locust."""
    module, _, name = WORKLOADS[workload].user.partition(":")
    return getattr(import_module(module), name)
