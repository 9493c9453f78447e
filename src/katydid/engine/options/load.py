"""Locust's own options of a load, `--users`, `--spawn-rate`, `--run-time`: what a good value is, what to say of it.

Locust takes any number of users, and a run time of nothing for none; what its timers cannot hold it fails at.
"""

import math
import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from locust import events

from katydid.engine.arrivals.replay import replay_of
from katydid.engine.options.arrivals import BUSY_SECONDS
from katydid.engine.options.parsing import add_arguments, plain_fields
from katydid.load.stages import MOST_USERS
from katydid.model.errors import ConfigError
from katydid.model.formatting import plural
from katydid.model.options import YEAR, shown
from katydid.model.options.quantities import QuantityError, duration

Number = TypeVar("Number", int, float)

FEW_PER_MINUTE = 10.0
"""Requests; with fewer, a run of minutes says little, and is seldom what was meant."""
LOCAL = "127.0.0.1"
"""Where Locust's page is served; its own default is every interface, and `--web-host "*"` asks for it."""
_HOURS = YEAR // 3600


def read_run_time(text: str) -> float:
    """Seconds of a duration: all that Locust takes for one, and fractions.

    Raises:
        QuantityError: it is not one.
    """
    seconds = duration(text)
    return int(seconds) if seconds == seconds // 1 else seconds


def fill_parsers() -> None:
    """Have Locust's parsers take the options of a run from now on; safe to call again.

    That is all that a help text needs: no listener to a run is registered.
    """
    global _filled  # noqa: PLW0603 - Locust's events are global too
    if not _filled:
        _filled = True
        events.init_command_line_parser.add_listener(_fill)


_filled = False


def _fill(parser: ArgumentParser, **_: object) -> None:
    """A run time that is too long is for `check_load` to complain of, and Locust's page is for this machine alone."""
    add_arguments(parser)
    _let_words_overrule(parser)
    for action in parser._actions:  # noqa: SLF001 - argparse has no list of them
        if action.dest == "run_time":
            action.type = read_run_time
    parser.set_defaults(web_host=LOCAL)


ALTERNATIVES = (
    frozenset({"interval", "concurrency", "rate", "trace"}),
    frozenset({"num_users", "concurrency"}),
    frozenset({"spawn_rate", "ramp"}),
)
"""Options that exclude each other: a run has at most one of each set."""


def _let_words_overrule(parser: ArgumentParser) -> None:
    """Let the command line overrule variables of options that contradict it: `--rate 10` LOAD_TEST_INTERVAL too."""
    parse: Any = parser.parse_known_args

    def parse_known_args(args: Sequence[str] | None = None, namespace: Any = None, **more: Any) -> Any:
        words = sys.argv[1:] if args is None else args
        environment = more.pop("env_vars", os.environ)
        return parse(args, namespace, env_vars=_heeded(parser, words, environment), **more)

    parser.parse_known_args = parse_known_args  # type: ignore[method-assign, assignment]


def _heeded(parser: Any, words: Sequence[str], environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without the variables of options that an option among the words contradicts."""
    known = parser._option_string_actions  # noqa: SLF001 - argparse has no list of them
    given = {known[flag].dest for word in words if (flag := _flag(word)) in known}
    overruled = {name for names in ALTERNATIVES for name in names - given if names & given}
    variables = {action.env_var for action in known.values() if action.dest in overruled}
    return {name: value for name, value in environment.items() if name not in variables}


def _flag(word: str) -> str:
    """`--rate` of `--rate=5`, `-u` of `-u5`."""
    return word.partition("=")[0] if word.startswith("--") else word[:2]


def check_load(parsed: Namespace) -> None:
    """See whether a run can have such a load.

    Args:
        parsed: options, as Locust has them, or its web form: texts, the users as `user_count`.

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
    run_time = getattr(parsed, "run_time", None)
    if isinstance(run_time, str):
        try:
            run_time = read_run_time(run_time) if run_time.strip() else None
        except QuantityError as error:
            raise ConfigError(f"--run-time {error}") from None
    if run_time is not None and not 1 <= run_time <= YEAR:
        raise ConfigError(f"--run-time must be from 1s to {_HOURS}h; leave it out for a run until you stop it")


def plain_form(form: Mapping[str, str]) -> dict[str, str]:
    """The fields of a web form that was found to be good, as Locust reads them: durations as plain numbers.

    Of a run time it takes whole seconds.
    """
    plain = plain_fields(form)
    if run_time := plain.get("run_time", "").strip():
        plain["run_time"] = str(math.ceil(read_run_time(run_time)))
    return plain


def _number(flag: str, value: str | float | None, kind: Callable[[str | float], Number]) -> Number | None:
    if value is None or value == "":
        return None
    try:
        return kind(value)
    except ValueError:
        raise ConfigError(f"{flag} {shown(value)} is not a number") from None


def notices(*, users: int, interval: float, run_time: float | None, ends_itself: bool) -> list[str]:
    """What must be said at the start of a run that nobody may have meant so; nothing of most runs.

    Args:
        users: of the whole run.
        interval: seconds from one request of a user to its next; 0 where there is no such interval.
        run_time: seconds; None without one.
        ends_itself: the workload ends when all is done.
    """
    said = []
    if run_time is None and not ends_itself:
        said.append("This run has no end: stop it with Ctrl-C, or give --run-time, as in --run-time 2m.")
    rate = users * 60.0 / interval if interval else math.inf
    if rate < FEW_PER_MINUTE:
        said.append(
            f"Few requests: {rate:.2g} a minute, of {plural(users, 'user')} every {interval:g} s; for more, raise "
            "--users or lower --interval."
        )
    return said


def default_spawn_rate(users: int) -> float:
    """Users a second where nobody asked for a rate: all are there within ten seconds.

    Locust's own default, one a second, would make a ramp of what should be a steady load; `--phase`
    already keeps users from starting all at once.
    """
    return max(min(users, 100), users / 10)


FEWEST_IN_POOL, MOST_IN_POOL = 100, 2000


def pool_of(rate: float, busy: float = BUSY_SECONDS) -> int:
    """Users that serve so many starts a second, each of which may take so many seconds, where nobody says how many."""
    return math.ceil(min(max(FEWEST_IN_POOL, rate * busy), MOST_IN_POOL))  # a rate that is none is told later


def users_of(options: Namespace, users: Sequence[Any]) -> int:
    """How many users there are: as asked for, of the closed loop, a generous pool, or the workload's.

    Args:
        options: parsed, as Locust has them.
        users: the run's user classes that are Katydid's.
    """
    if given := options.num_users or options.concurrency:
        return int(given)
    if options.rate is not None:
        return pool_of(options.rate, max((user.busy_seconds(options) for user in users), default=BUSY_SECONDS))
    if options.trace is not None:
        replay = replay_of(options.trace, options.trace_window, options.trace_speed, options.requests)
        return pool_of(replay.trace.most_within(BUSY_SECONDS) / BUSY_SECONDS)
    return max((user.default_users for user in users), default=1)


def spawn_rate_of(options: Namespace) -> float:
    """Users a second: those of the ramp, else as asked for, else ours; of a pool, all at once.

    Raises:
        ConfigError: the ramp and the spawn rate contradict each other.
    """
    given = options.spawn_rate
    if options.rate is not None or options.trace is not None:
        return float(options.num_users if given is None else given)
    ramp = float(options.ramp)
    if ramp > 0 and given is not None and float(given) != ramp:
        raise ConfigError(f"--ramp {ramp:g} and --spawn-rate {given:g} contradict each other: give one of them")
    if ramp > 0:
        return ramp
    return float(default_spawn_rate(options.num_users or 1) if given is None else given)
