"""Katydid: load testing for LLM and other long-running, streaming or conversational services.

This module is the public API for locustfiles, notebooks and other programs (`docs/reference/python.md`) and is stable;
the modules below it may move. Each name is imported on first use. `load_run` imports neither Locust nor gevent, which
patch the process on import; the user classes import both.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from katydid.analysis.validity.rule import Rule
    from katydid.dialects import register
    from katydid.dialects.base import Answer, Dialect, Generation, Message, bearer_headers
    from katydid.dialects.loading import load_object
    from katydid.dialects.openai import OpenAi
    from katydid.dialects.stream_parser import NdjsonStreamParser, SseStreamParser
    from katydid.engine.options import RunOptions
    from katydid.engine.user import PacedUser
    from katydid.model.documents.summary import Finding
    from katydid.model.metrics.declared import Metric
    from katydid.model.options import NOT_NEGATIVE, POSITIVE, option
    from katydid.model.options.quantities import count, duration, share
    from katydid.model.sample import Sample
    from katydid.model.version import __version__
    from katydid.model.workload import Workload
    from katydid.report.model import Section, Table
    from katydid.resources import locustfile
    from katydid.runs.folder import RunFolder, load_run
    from katydid.workloads.batch.user import BatchUser
    from katydid.workloads.burst.user import BurstUser
    from katydid.workloads.chat.user import ChatUser
    from katydid.workloads.resilience.chaos import ChaosUser
    from katydid.workloads.resilience.storm import StormUser
    from katydid.workloads.resilience.zombies import ZombiesUser
    from katydid.workloads.retrieval.embed import EmbedUser
    from katydid.workloads.retrieval.rerank import RerankUser
    from katydid.workloads.scale.user import ScaleShape, ScaleUser
    from katydid.workloads.session.user import SessionUser
    from katydid.workloads.speech.user import SpeechUser
    from katydid.workloads.stream.user import StreamUser
    from katydid.workloads.tools.user import ToolsUser

__all__ = [
    "NOT_NEGATIVE", "POSITIVE", "Answer", "BatchUser", "BurstUser", "ChaosUser", "ChatUser", "Dialect", "EmbedUser",
    "Finding", "Generation", "Message", "Metric", "NdjsonStreamParser", "OpenAi", "PacedUser", "RerankUser", "Rule",
    "RunFolder", "RunOptions", "Sample", "ScaleShape", "ScaleUser", "Section", "SessionUser", "SpeechUser",
    "SseStreamParser", "StormUser", "StreamUser", "Table", "ToolsUser", "Workload", "ZombiesUser", "__version__",
    "bearer_headers", "count", "duration", "load_object", "load_run", "locustfile", "option", "register", "share",
]  # fmt: skip

_HOME_OF = {
    name: home
    for home, names in {
        "katydid.model.version": ("__version__",),
        "katydid.model.sample": ("Sample",),
        "katydid.analysis.validity.rule": ("Rule",),
        "katydid.model.documents.summary": ("Finding",),
        "katydid.report.model": ("Section", "Table"),
        "katydid.model.metrics.declared": ("Metric",),
        "katydid.model.workload": ("Workload",),
        "katydid.dialects": ("register",),
        "katydid.dialects.base": ("Answer", "Dialect", "Generation", "Message", "bearer_headers"),
        "katydid.dialects.openai": ("OpenAi",),
        "katydid.dialects.loading": ("load_object",),
        "katydid.dialects.stream_parser": ("NdjsonStreamParser", "SseStreamParser"),
        "katydid.resources": ("locustfile",),
        "katydid.workloads.scale.user": ("ScaleShape", "ScaleUser"),
        "katydid.runs.folder": ("RunFolder", "load_run"),
        "katydid.workloads.batch.user": ("BatchUser",),
        "katydid.workloads.burst.user": ("BurstUser",),
        "katydid.workloads.chat.user": ("ChatUser",),
        "katydid.workloads.resilience.chaos": ("ChaosUser",),
        "katydid.engine.options": ("RunOptions",),
        "katydid.model.options": ("NOT_NEGATIVE", "POSITIVE", "option"),
        "katydid.model.options.quantities": ("count", "duration", "share"),
        "katydid.engine.user": ("PacedUser",),
        "katydid.workloads.session.user": ("SessionUser",),
        "katydid.workloads.speech.user": ("SpeechUser",),
        "katydid.workloads.resilience.storm": ("StormUser",),
        "katydid.workloads.stream.user": ("StreamUser",),
        "katydid.workloads.tools.user": ("ToolsUser",),
        "katydid.workloads.resilience.zombies": ("ZombiesUser",),
        "katydid.workloads.retrieval.embed": ("EmbedUser",),
        "katydid.workloads.retrieval.rerank": ("RerankUser",),
    }.items()
    for name in names
}
"""The module of each public name: the imports above, for use at run time."""

if not TYPE_CHECKING:  # so that a type checker still reports names that do not exist

    def __getattr__(name: str) -> object:
        """Import a public name on first use."""
        from importlib import import_module  # noqa: PLC0415 - only here

        if name not in _HOME_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(_HOME_OF[name]), name)
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
