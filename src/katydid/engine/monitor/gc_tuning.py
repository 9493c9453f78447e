"""Keeps work of Python and Locust from pausing the load: garbage collection, source look-ups, parsers of options.

A full collection visits every object and blocks the event loop: for 50 ms and more at 1,600 streams. Chunks that
arrive in that time pile up, and their recorded times are only upper bounds. Objects that exist when the run starts
live until its end, so they are frozen; objects of a request are freed by reference counting, so collections may be
rare.

When Locust stops a run, it inspects the call stack (`inspect.stack`). On the first call, Python looks up the file of
every module, for 60 ms and more, while the last answers are still arriving.

Locust's worker builds its whole parser of options anew for every option in every message that spawns users, to find
which options are its own. In a ramp, that takes 100 ms and more of each second.
"""

import functools
import gc
import inspect

from locust import argument_parser

THRESHOLDS = (100_000, 50, 100)
"""Allocations before a young collection, and collections before each older one; Python's defaults are 700, 10, 10."""


def warm_inspect_cache() -> None:
    """Call `inspect.stack` once before a run, as Locust will at its end; Python caches what it looks up."""
    inspect.stack()


def remember_locusts_options() -> None:
    """Have Locust look up its own options only once per process; they do not change."""
    if not hasattr(argument_parser.default_args_dict, "cache_info"):
        argument_parser.default_args_dict = functools.cache(argument_parser.default_args_dict)
    argument_parser.default_args_dict()


class RareCollections:
    """Makes garbage collections rare, until `end`."""

    def __init__(self) -> None:
        self._before = gc.get_threshold()
        gc.collect()
        gc.freeze()
        gc.set_threshold(*THRESHOLDS)

    def end(self) -> None:
        """Restore the former settings."""
        gc.set_threshold(*self._before)
        gc.unfreeze()
