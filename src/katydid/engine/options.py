"""The options of a run, in one table.

The command line, the environment, Locust's web form and the workers all take them from here.

An option is a field of `RunOptions`; its metadata is what the parser needs and what a good value is. A
workload with options of its own has a subclass, which `register` makes known to the parser.
"""

import argparse
import math
import subprocess
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from katydid.dialects import DIALECTS
from katydid.dialects.generic import Fields, GenericSse
from katydid.engine.services.headers import shown_headers
from katydid.load.pacing import Phase
from katydid.model.errors import ConfigError
from katydid.model.quantities import QuantityError, count, duration, format_duration, milliseconds
from katydid.model.redact import hide_query

Predicate = Callable[[Any], bool]
Rule = tuple[Predicate, str]
Options = TypeVar("Options")

YEAR = 31_536_000
"""Seconds; timers of the operating system hold not much more, and no run lasts so long."""
MOST_32_BITS = 2**31 - 1
MOST_64_BITS = 2**63 - 1
LONGEST_LABEL = 255
"""Characters; the label names a folder, and file systems take names of so many bytes."""
_LONGEST_SHOWN = 40
"""Characters of a value that a complaint quotes."""

POSITIVE: Rule = (lambda v: v > 0, "must be more than 0")
NOT_NEGATIVE: Rule = (lambda v: v >= 0, "must not be negative")
ANY: Rule = (lambda _: True, "")
AT_MOST_A_YEAR: Rule = (lambda v: v <= YEAR, f"must be at most {YEAR}, a year")
AT_MOST_32_BITS: Rule = (lambda v: v <= MOST_32_BITS, f"must be at most {MOST_32_BITS}")


def truth(text: str) -> bool:
    """A text as the environment and the web form have it.

    Raises:
        ValueError: it is no truth value.
    """
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    try:
        return words[str(text).strip().lower()]
    except KeyError:
        raise ValueError(f"{text!r} is neither true nor false") from None


def option(
    default: Any,
    help_text: str,
    *,
    kind: Callable[[str], Any] = str,
    rule: Rule = ANY,
    most: Rule = ANY,
    choices: Collection[str] | None = None,
    variable: str | None = None,
    repeat: bool = False,
) -> Any:
    """A field that is an option.

    Args:
        default: where nothing is given; also for an empty field of the web form.
        help_text: what `--help` and the web form say, without the default.
        choices: the only good values, as they are when the parser is filled.
        kind: makes a value out of a text; raises ValueError where it is none. With `truth` the option takes no value;
            `duration`, `count` and `share` read what people write (`model.quantities`).
        rule: what a good value is, and what a bad one is told.
        most: the same of one that is too large. Without it, a number must be finite, an integer fit 64 bits, and a
            duration be no longer than a year.
        variable: of the environment; by default `LOAD_TEST_` and the field's name.
        repeat: it may be given more than once, a line of its text each; not in the web form, which has no lines.
    """
    if kind is duration and most is ANY:
        most = AT_MOST_A_YEAR
    metadata = {
        "help": help_text, "kind": kind, "rule": rule, "most": most, "choices": choices, "variable": variable,
        "repeat": repeat,
    }  # fmt: skip
    return field(default=default, metadata=metadata)


class _AppendLine(argparse.Action):
    """Joins what is given into lines of one text, which goes to workers as any other option."""

    def __call__(self, _parser: Any, namespace: Any, values: Any, _flag: Any = None) -> None:
        before = getattr(namespace, self.dest, None)
        setattr(namespace, self.dest, f"{before}\n{values}" if before else values)


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """What a run was asked to do. Seconds, unless a name says otherwise."""

    interval: float = option(20.0, "seconds from one request start of a user to its next", kind=duration, rule=POSITIVE)
    phase: str = option(
        Phase.AUTO.value,
        "users' first requests: spread over the interval, when spawned, or all in one burst; auto: when spawned where "
        "spawning takes longer than an interval or there is a --ramp, else spread",
        choices=tuple(p.value for p in Phase),
    )
    ramp: float = option(
        0.0,
        "users a second: they come one by one at this rate, each with its first request; 0 = no ramp asked for",
        kind=float,
        rule=NOT_NEGATIVE,
    )
    failure_threshold: int = option(5, "stop at this many failed requests; 0 = never", kind=count, rule=NOT_NEGATIVE)
    version_label: str | None = option(
        None,
        "version of the service under test (default: git describe of the working folder)",
        rule=(lambda v: len(v) <= LONGEST_LABEL, f"must have at most {LONGEST_LABEL} characters"),
        variable="LOAD_TEST_VERSION",
    )
    results: str = option("reports", "folder in which run folders are made")
    api: str = option("openai", "the target's API", choices=DIALECTS)
    endpoint: str | None = option(None, "path of the API, with a query if need be (default: the API's own)")
    header: str | None = option(
        None, "NAME=VALUE, sent with every request; repeatable; VALUE may be env:VARIABLE", repeat=True
    )
    model: str | None = option(None, "model to ask for (default: the first one that the target lists)")
    prompts: str | None = option(None, ".txt (a prompt a line) or .jsonl (OpenAI messages or ShareGPT)")
    max_tokens: int = option(
        128, "longest answer to ask for, in tokens", kind=count, rule=POSITIVE, most=AT_MOST_32_BITS
    )
    temperature: float = option(0.0, "sampling temperature", kind=float, rule=NOT_NEGATIVE)
    seed: int = option(0, "seed of the target's sampling and of our choice of prompts", kind=count)
    check: str = option(
        "count",
        "count: more than 2 content chunks and a proper end is success; full: every event is checked",
        choices=("count", "full"),
    )
    client: str = option(
        "fast",
        "fast: our own transport; requests: requests + sseclient-py, for its plug-ins and as reference",
        choices=("fast", "requests"),
    )
    request_timeout: float = option(60.0, "seconds for a whole request", kind=duration, rule=POSITIVE)
    idle_timeout: float = option(30.0, "seconds between two reads of an answer", kind=duration, rule=POSITIVE)
    drain: float | None = option(
        None,
        "seconds that requests in flight get at the end of the run (default: the request timeout)",
        kind=duration,
        rule=NOT_NEGATIVE,
    )
    warm_up: float | None = option(
        None,
        "seconds left out of the statistics (default: one interval, at most a fifth of the run time)",
        kind=duration,
        rule=NOT_NEGATIVE,
    )
    target_pid: int | None = option(
        None,
        "process of the target on this machine: its CPU and memory are recorded",
        kind=count,
        rule=POSITIVE,
        most=AT_MOST_32_BITS,
    )
    target_metrics: str | None = option(
        None, "URL of the target's Prometheus metrics: its CPU and memory are read there once a second"
    )
    ca_file: str | None = option(None, "certificates to trust instead of the system's (PEM)")
    record_events: bool = option(False, "keep every event of streamed answers, in events.parquet", kind=truth)
    sse_content: str = option(
        Fields.content, "generic-sse: path of the text, as in choices.0.delta.content; . = all data"
    )
    sse_done: str = option(Fields.done, "generic-sse: the proper end: data, event:NAME, PATH, PATH=VALUE, or end")
    sse_error: str = option(Fields.error, "generic-sse: path of an error inside the answer")
    sse_prompt_tokens: str = option(Fields.prompt_tokens, "generic-sse: path of the prompt's tokens")
    sse_completion_tokens: str = option(Fields.completion_tokens, "generic-sse: path of the answer's tokens")
    sse_body: str = option(Fields.body, "generic-sse: JSON of a request, with {prompt}, {messages}, {model}, … in it")

    @property
    def drain_seconds(self) -> float:
        """How long requests in flight may go on at the end of the run."""
        return self.request_timeout if self.drain is None else self.drain

    @property
    def sse_fields(self) -> Fields:
        """Where a `generic-sse` service's events say what."""
        return Fields(
            content=self.sse_content,
            done=self.sse_done,
            error=self.sse_error,
            prompt_tokens=self.sse_prompt_tokens,
            completion_tokens=self.sse_completion_tokens,
            body=self.sse_body,
        )

    def shown(self) -> dict[str, Any]:
        """The options as others may read them: without a secret, and without those that this API has no use for."""
        endpoint = hide_query(self.endpoint) if self.endpoint else None
        shown = asdict(self) | {"endpoint": endpoint, "header": shown_headers(self.header)}
        generic = self.api == GenericSse.name
        return {name: value for name, value in shown.items() if generic or not name.startswith("sse_")}

    @property
    def takes_standard_output(self) -> bool:
        """Whether a result goes there, so that what people are told must go elsewhere."""
        return False

    def warm_up_seconds(self, run_time: float | None) -> float:
        """How long the beginning is left out of the statistics."""
        if self.warm_up is not None:
            return self.warm_up
        return min(self.interval, run_time / 5) if run_time else self.interval


_tables: list[Any] = [RunOptions]


def register(table: type[Any]) -> None:
    """Make a workload's own options, or a load shape's, known to parsers that are filled from now on."""
    if table not in _tables:
        _tables.append(table)


def add_arguments(parser: Any) -> None:
    """Register every option with Locust's parser (not with a group of it, which the web form leaves out).

    Where several workloads have an option, the default is the last one's: a locustfile's imports stand first.
    """
    for option in _known().values():
        meta = option.metadata
        variable = meta["variable"] or "LOAD_TEST_" + option.name.upper()
        shown = "" if option.default is None else f"default: {default_text(option)}; "
        choices = tuple(meta["choices"]) if meta["choices"] else None  # Locust's page takes no dict
        word = "time" if meta["kind"] in _TIMES else option.name.replace("_", "-")
        metavar = None if choices else f"<{word}>"
        if meta["kind"] is truth:
            more: dict[str, Any] = {"action": "store_true"}
        else:
            more = {"type": meta["kind"], "choices": choices, "metavar": metavar}
        if meta["repeat"]:
            more |= {"action": _AppendLine, "include_in_web_ui": False}
        parser.add_argument(
            "--" + option.name.replace("_", "-"),
            env_var=variable,
            default=option.default,
            help=f"Katydid: {meta['help']} ({shown}{variable})".replace("%", "%%"),
            **more,
        )


def _known() -> dict[str, Any]:
    """Every option by its field's name."""
    return {option.name: option for table in _tables for option in fields(table)}


_TIMES = {duration: 1.0, milliseconds: 1e-3}
"""Kinds that are times, and what a plain number of theirs is, in seconds."""


def default_text(option: Any) -> str:
    """An option's default, as one would write it."""
    unit = _TIMES.get(option.metadata["kind"])
    return str(option.default) if unit is None else format_duration(option.default * unit)


def plain_fields(form: Mapping[str, str]) -> dict[str, str]:
    """A web form's fields as Locust reads them, who makes of each what its default is: a plain number of a duration.

    Empty ones get their defaults.
    """
    known = _known()
    return {name: _plain(known.get(name), text) for name, text in form.items()}


def _plain(option: Any, text: str) -> str:
    if option is None or option.metadata["kind"] is truth:
        return text
    if not text.strip():
        return "" if option.default is None else str(option.default)
    return str(option.metadata["kind"](text)) if option.metadata["kind"] in _TIMES else text


def run_options(parsed: Any, table: type[Options]) -> Options:
    """Options out of Locust's parsed ones, checked again, since Locust's web form checks nothing.

    Args:
        parsed: Locust's.
        table: a dataclass whose fields `option` made.

    Raises:
        ConfigError: the first value that is no good, by its option's name.
    """
    options: Any = fields(table)  # type: ignore[arg-type]  # a TypeVar cannot ask for a dataclass
    return table(**{option.name: _checked(option, getattr(parsed, option.name)) for option in options})


def _checked(option: Any, value: Any) -> Any:
    meta = option.metadata
    flag = "--" + option.name.replace("_", "-")
    if value is None or (isinstance(value, str) and not value.strip()):
        return option.default
    try:
        value = meta["kind"](value)
    except QuantityError as error:
        raise ConfigError(f"{flag} {error}") from None
    except ValueError:
        what = "true or false" if meta["kind"] is truth else "a number"
        raise ConfigError(f"{flag} {value!r} is not {what}") from None
    if meta["choices"] and value not in meta["choices"]:
        raise ConfigError(f"{flag} {value!r} is not one of {', '.join(meta['choices'])}")
    finite = _FINITE if isinstance(value, float) else ()
    fits = (_FITS,) if isinstance(value, int) else ()
    for good, why in (*finite, meta["most"], *fits, meta["rule"]):
        if not good(value):
            raise ConfigError(f"{flag} {shown(value)} {why}")
    return value


_FINITE: tuple[Rule, ...] = (
    (lambda v: not math.isnan(v), "is not a number"),
    (math.isfinite, "must be finite"),
)
_FITS: Rule = (lambda v: -MOST_64_BITS - 1 <= v <= MOST_64_BITS, "must be from -2^63 to 2^63-1")
"""Of every integer: what no file and no target could hold is refused before it gets there."""


def shown(value: Any) -> str:
    """A value in a complaint about it, cut where it is long."""
    if isinstance(value, float):
        return f"{value:g}"
    text = str(value)
    text = text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
    return repr(text) if isinstance(value, str) else text


def version_label(options: RunOptions, folder: Path) -> str:
    """The version under test: as given, else what git calls the working folder, else `unversioned`."""
    if options.version_label:
        return options.version_label
    command = ["git", "-C", str(folder), "describe", "--tags", "--always", "--dirty"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)  # noqa: S603 - fixed words
    except (OSError, subprocess.TimeoutExpired):
        return "unversioned"
    return found.stdout.strip() or "unversioned"
