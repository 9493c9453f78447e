"""The workloads as their classes have them: which one adds to which."""

from typing import Any

from katydid.resources import shipped_workloads
from katydid.workloads import user_class


def user_of(workload: str) -> Any:
    """The class of a workload's users, without its locustfile."""
    return user_class(workload)


def parent_of(workload: str) -> Any:
    """The class of the workload that this one adds to; None where there is none."""
    user = user_of(workload)
    names = [name for name in shipped_workloads() if name != workload]
    return next((user_of(name) for name in names if issubclass(user, user_of(name))), None)


def also(parent: Any) -> str:
    """The sentence that leads to what the workload it adds to has."""
    return f"Those of `{parent.workload}`, and:\n\n" if parent else ""
