"""Checks and defaults for Locust's own load options: `--users`, `--spawn-rate`, `--run-time`.

Locust accepts any number of users, takes a run time of 0 for none, and fails at values that its timers cannot hold.
"""

import functools
import math
import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from locust import events

from katydid.engine.options.arrivals import BUSY_SECONDS
from katydid.engine.options.parsing import add_arguments, plain_fields
from katydid.engine.replay import replay_of
from katydid.load.stages import MOST_USERS
from katydid.model.errors import ConfigError
from katydid.model.formatting import plural
from katydid.model.options import YEAR, shown
from katydid.model.options.quantities import QuantityError, duration

Number = TypeVar("Number", int, float)

FEW_PER_MINUTE = 10.0
"""Requests per minute; a run of minutes with fewer shows little, and is seldom intended."""
LOCAL = "127.0.0.1"
"""Default address of Locust's web UI; Locust's own default is every interface, which `--web-host "*"` still selects."""
_HOURS = YEAR // 3600


def read_run_time(text: str | float) -> float:
    """Read a run time in seconds: everything that Locust accepts, and fractions.

    Raises:
        QuantityError: it is not a duration.
    """
    seconds = duration(text)
    return int(seconds) if seconds == seconds // 1 else seconds


@functools.cache
def fill_parsers() -> None:
    """Add the options of a run to Locust's parsers from now on; safe to call again.

    A help text needs no more than this: no listener to a run is registered.
    """
    events.init_command_line_parser.add_listener(_fill)


def _fill(parser: ArgumentParser, **_: object) -> None:
    """Add the options; `check_load` reports run times that are too long, and Locust's web UI stays on this machine."""
    add_arguments(parser)
    _let_command_line_override(parser)
    for action in parser._actions:  # noqa: SLF001 - argparse has no list of them
        if action.dest == "run_time":
            action.type = read_run_time
    parser.set_defaults(web_host=LOCAL)


_ALTERNATIVES = (
    frozenset({"interval", "concurrency", "rate", "trace"}),
    frozenset({"num_users", "concurrency"}),
    frozenset({"spawn_rate", "ramp"}),
)
"""Mutually exclusive options: a run has at most one of each set."""


def _let_command_line_override(parser: ArgumentParser) -> None:
    """Let the command line overrule variables of options that contradict it: `--rate 10` LOAD_TEST_INTERVAL too."""
    parse: Any = parser.parse_known_args
    known: Any = parser._option_string_actions  # noqa: SLF001 - argparse has no list of them

    def parse_known_args(args: Sequence[str] | None = None, namespace: Any = None, **more: Any) -> Any:
        words = sys.argv[1:] if args is None else args
        flags = {word.partition("=")[0] if word.startswith("--") else word[:2] for word in words}  # --rate=5, -u5
        given = {known[flag].dest for flag in flags & known.keys()}
        overruled = {name for names in _ALTERNATIVES for name in names - given if names & given}
        variables = {action.env_var for action in known.values() if action.dest in overruled}
        environment = more.pop("env_vars", os.environ)
        kept = {name: value for name, value in environment.items() if name not in variables}
        return parse(args, namespace, env_vars=kept, **more)

    parser.parse_known_args = parse_known_args  # type: ignore[method-assign, assignment]


def check_load(parsed: Namespace) -> float | None:
    """Check that a run can have such a load; return its run time in seconds, None without one.

    From Locust's web form, the options come as texts, and the users as `user_count`.

    Raises:
        ConfigError: it cannot.
    """
    users = _number("--users", getattr(parsed, "user_count", None) or getattr(parsed, "num_users", None), int)
    if users is not None and not 1 <= users <= MOST_USERS:
        raise ConfigError(f"--users {shown(users)} must be from 1 to {MOST_USERS}")
    loop = _number("--concurrency", getattr(parsed, "concurrency", None), int)
    if loop is not None and users not in {None, loop}:
        raise ConfigError(f"--users {users} and --concurrency {loop} contradict each other: give one of them")
    rate = _number("--spawn-rate", getattr(parsed, "spawn_rate", None), float)
    if rate is not None and not (math.isfinite(rate) and rate > 0):
        raise ConfigError(f"--spawn-rate {shown(rate)} must be more than 0, and finite")
    run_time = _number("--run-time", getattr(parsed, "run_time", None), read_run_time)
    if run_time is not None and not 1 <= run_time <= YEAR:
        raise ConfigError(f"--run-time must be from 1s to {_HOURS}h; leave it out for a run until you stop it")
    return run_time


def plain_form(form: Mapping[str, str]) -> dict[str, str]:
    """The fields of a valid web form as Locust reads them: durations as plain numbers, run times in whole seconds."""
    plain = plain_fields(form)
    if run_time := plain.get("run_time", "").strip():
        plain["run_time"] = str(math.ceil(read_run_time(run_time)))
    return plain


def _number(flag: str, value: str | float | None, kind: Callable[[str | float], Number]) -> Number | None:
    if value is None or not str(value).strip():
        return None
    try:
        return kind(value)
    except QuantityError as error:
        raise ConfigError(f"{flag} {error}") from None
    except ValueError:
        raise ConfigError(f"{flag} {shown(value)} is not a number") from None


def notices(*, users: int, interval: float, run_time: float | None, ends_itself: bool) -> list[str]:
    """Notices for the start of a run whose load may not be intended; most runs have none.

    `interval` and `run_time` are in seconds; an interval of 0 is none, and so is a run time of None.
    """
    said = []
    if run_time is None and not ends_itself:
        said.append("This run has no end: stop it with Ctrl-C, or give --run-time, such as --run-time 2m.")
    rate = users * 60.0 / interval if interval else math.inf
    if rate < FEW_PER_MINUTE:
        said.append(
            f"Few requests: {rate:.2g} per minute from {plural(users, 'user')} every {interval:g} s; for more, raise "
            "--users or lower --interval."
        )
    return said


def default_spawn_rate(users: int) -> float:
    """The default spawn rate in users per second: all are there within ten seconds.

    Locust's own default of one per second would make a ramp of a load that should be steady; `--phase` already
    keeps users from starting all at once.
    """
    return max(min(users, 100), users / 10)


FEWEST_IN_POOL, MOST_IN_POOL = 100, 2000


def pool_of(rate: float, busy: float = BUSY_SECONDS) -> int:
    """Default number of users for `rate` starts per second that each keep a user busy for up to `busy` seconds."""
    return math.ceil(min(max(FEWEST_IN_POOL, rate * busy), MOST_IN_POOL))  # an invalid rate is reported later


def users_of(options: Namespace, users: Sequence[Any]) -> int:
    """The number of users: as given, else the concurrency, else a generous pool, else the user classes' default."""
    if given := options.num_users or options.concurrency:
        return int(given)
    if options.rate is not None:
        return pool_of(options.rate, max((user.busy_seconds(options) for user in users), default=BUSY_SECONDS))
    if options.trace is not None:
        replay = replay_of(options.trace, options.trace_window, options.trace_speed, options.requests)
        return pool_of(replay.trace.most_within(BUSY_SECONDS) / BUSY_SECONDS)
    return max((user.default_users for user in users), default=1)


def spawn_rate_of(options: Namespace) -> float:
    """The spawn rate in users per second: the ramp's, else as given, else Katydid's default; a pool spawns at once.

    Raises:
        ConfigError: the ramp and the spawn rate contradict each other.
    """
    given, users, ramp = options.spawn_rate, options.num_users, float(options.ramp)
    if options.rate is not None or options.trace is not None:
        return float(users if given is None else given)
    if ramp > 0 and given is not None and float(given) != ramp:
        raise ConfigError(f"--ramp {ramp:g} and --spawn-rate {given:g} contradict each other: give one of them")
    return ramp if ramp > 0 else float(default_spawn_rate(users or 1) if given is None else given)
