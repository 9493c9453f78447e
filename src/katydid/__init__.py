"""Katydid: load testing for services that answer slowly, in pieces, or in turns.

What locustfiles, notebooks and other programs use is here, and stays here (`docs/reference/python.md`); modules
below may move. A name is imported when it is first used: `load_run` brings neither Locust nor gevent, which patch a
process as soon as they are imported; the user classes bring both.

Inside, the package is read in the order in which data flows: `users` run the load and record samples,
`store` keeps them, `analysis` summarises and compares, `report` shows. `core` is what they all
speak; it knows no clock, no socket and no file.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from katydid.core.sample import Sample
    from katydid.dialects import register
    from katydid.dialects.base import Answer, Dialect, Generation, Message, bearer_headers
    from katydid.dialects.openai import OpenAi
    from katydid.dialects.reading import NdjsonReading, SseReading, load_object
    from katydid.resources import locustfile
    from katydid.shapes.stages import ScaleShape
    from katydid.store.folder import RunFolder, load_run
    from katydid.users.batch import BatchUser
    from katydid.users.burst import BurstUser
    from katydid.users.chaos import ChaosUser
    from katydid.users.options import NOT_NEGATIVE, POSITIVE, RunOptions, option
    from katydid.users.paced import PacedUser
    from katydid.users.scale import ScaleUser
    from katydid.users.session import SessionUser
    from katydid.users.speech import SpeechUser
    from katydid.users.storm import StormUser
    from katydid.users.stream import StreamUser
    from katydid.users.tools import ToolsUser
    from katydid.users.zombies import ZombiesUser

__version__ = "0.1.0"

__all__ = [
    "NOT_NEGATIVE",
    "POSITIVE",
    "Answer",
    "BatchUser",
    "BurstUser",
    "ChaosUser",
    "Dialect",
    "Generation",
    "Message",
    "NdjsonReading",
    "OpenAi",
    "PacedUser",
    "RunFolder",
    "RunOptions",
    "Sample",
    "ScaleShape",
    "ScaleUser",
    "SessionUser",
    "SpeechUser",
    "SseReading",
    "StormUser",
    "StreamUser",
    "ToolsUser",
    "ZombiesUser",
    "__version__",
    "bearer_headers",
    "load_object",
    "load_run",
    "locustfile",
    "option",
    "register",
]

_HOME_OF = {
    name: home
    for home, names in {
        "katydid.core.sample": ("Sample",),
        "katydid.dialects": ("register",),
        "katydid.dialects.base": ("Answer", "Dialect", "Generation", "Message", "bearer_headers"),
        "katydid.dialects.openai": ("OpenAi",),
        "katydid.dialects.reading": ("NdjsonReading", "SseReading", "load_object"),
        "katydid.resources": ("locustfile",),
        "katydid.shapes.stages": ("ScaleShape",),
        "katydid.store.folder": ("RunFolder", "load_run"),
        "katydid.users.batch": ("BatchUser",),
        "katydid.users.burst": ("BurstUser",),
        "katydid.users.chaos": ("ChaosUser",),
        "katydid.users.options": ("NOT_NEGATIVE", "POSITIVE", "RunOptions", "option"),
        "katydid.users.paced": ("PacedUser",),
        "katydid.users.scale": ("ScaleUser",),
        "katydid.users.session": ("SessionUser",),
        "katydid.users.speech": ("SpeechUser",),
        "katydid.users.storm": ("StormUser",),
        "katydid.users.stream": ("StreamUser",),
        "katydid.users.tools": ("ToolsUser",),
        "katydid.users.zombies": ("ZombiesUser",),
    }.items()
    for name in names
}
"""The imports above once more, for when the program runs."""

if not TYPE_CHECKING:  # a type checker is to complain about names that do not exist

    def __getattr__(name: str) -> object:
        """Import a public name when it is first used."""
        from importlib import import_module  # noqa: PLC0415 - only here

        if name not in _HOME_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(_HOME_OF[name]), name)
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
