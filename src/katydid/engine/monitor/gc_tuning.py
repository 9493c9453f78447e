"""Keeps Python's own affairs from pausing the load: its garbage collector, and its look at its own source.

A full collection looks at every object there is and holds the event loop meanwhile: at 1,600 streams
for 50 ms and more, in which chunks of one stream pile up and their times become bounds. What exists when
the run starts stays until its end, so it is set aside; what a request leaves behind is freed by counting
references, so collections may be rare.

Locust, when it stops a run, asks Python who called it (`inspect.stack`). The first time, Python finds the file of
every module for that, for 60 ms and more, while the last answers are on their way.

Locust's worker builds its whole parser of options anew for every single option of every message that has users
spawned, to see which are its own. In a ramp that is 100 ms and more of each second.
"""

import functools
import gc
import inspect

from locust import argument_parser

THRESHOLDS = (100_000, 50, 100)
"""New objects before a young collection, and collections before an older one; Python's are 700, 10, 10."""


def warm_inspect_cache() -> None:
    """Ask once, before a run has a clock, what Locust asks at its end; Python remembers what it found."""
    inspect.stack()


def remember_locusts_options() -> None:
    """Have Locust find out once in a process which options are its own; they do not change."""
    if not hasattr(argument_parser.default_args_dict, "cache_info"):
        argument_parser.default_args_dict = functools.cache(argument_parser.default_args_dict)
    argument_parser.default_args_dict()


class RareCollections:
    """From its making until `end`."""

    def __init__(self) -> None:
        self._before = gc.get_threshold()
        gc.collect()
        gc.freeze()
        gc.set_threshold(*THRESHOLDS)

    def end(self) -> None:
        """Back to what it was."""
        gc.set_threshold(*self._before)
        gc.unfreeze()
