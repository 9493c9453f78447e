"""The options of a run, in one table.

The command line, the environment, Locust's web form and the workers all take them from here. A workload's own options
are a subclass, which `register` makes known to the parser; an API's are its dialect's (`Dialect.options`).
"""

import argparse
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from katydid.dialects import DIALECTS
from katydid.engine.arrivals.asked import ArrivalOptions
from katydid.engine.run_info import SECRETS_WIRE_NAME
from katydid.engine.services.headers import shown_headers
from katydid.load.arrivals import Rate, read_process
from katydid.load.body import shown_fields
from katydid.load.leaving import LeavingOptions
from katydid.load.length_options import LengthOptions
from katydid.model.errors import ConfigError
from katydid.model.options import (
    AT_MOST_32_BITS,
    NOT_NEGATIVE,
    POSITIVE,
    TIMES,
    Group,
    checked,
    default_text,
    flag_of,
    option,
    options_in,
    truth,
    variable_of,
)
from katydid.model.options.quantities import count, duration
from katydid.model.redact import hide_query, strip_credentials
from katydid.transport.exchange import TlsSettings

Options = TypeVar("Options")

SHOWN: dict[str, Callable[[str], str | None]] = {
    "endpoint": hide_query, "before_run": strip_credentials, "header": shown_headers, "body": shown_fields,
}  # fmt: skip
"""Options that may hold a secret: how others may read them."""
LONGEST_LABEL = 255
"""Characters; the label names a folder, and file systems take names of so many bytes."""


class _AppendLine(argparse.Action):
    """Joins what is given into lines of one text, which goes to workers as any other option."""

    def __call__(self, _parser: Any, namespace: Any, values: Any, _flag: Any = None) -> None:
        before = getattr(namespace, self.dest, None)
        setattr(namespace, self.dest, f"{before}\n{values}" if before else values)


@dataclass(frozen=True, kw_only=True)
class RunOptions(LengthOptions, LeavingOptions, ArrivalOptions):
    """What a run was asked to do. Seconds, unless a name says otherwise."""

    failure_threshold: int = option(
        5, "stop at this many failed requests; 0 = never", kind=count, rule=NOT_NEGATIVE, group=Group.RUN
    )
    version_label: str | None = option(
        None,
        "version of the service under test (default: git describe of the working folder)",
        rule=(lambda v: len(v) <= LONGEST_LABEL, f"must have at most {LONGEST_LABEL} characters"),
        variable="LOAD_TEST_VERSION",
        group=Group.RUN,
    )
    results: str = option("reports", "folder in which run folders are made", group=Group.RUN, form=False)
    api: str = option("openai", "the target's API", choices=DIALECTS, group=Group.REQUEST)
    endpoint: str | None = option(
        None, "path of the API, with a query if need be (default: the API's own)", group=Group.REQUEST
    )
    header: str | None = option(
        None,
        "NAME=VALUE, sent with every request; repeatable; VALUE may be env:VARIABLE",
        repeat=True,
        group=Group.REQUEST,
    )
    model: str | None = option(
        None, "model, or a mix as a=0.7,b=0.3 (default: the first one that the target lists)", group=Group.REQUEST
    )
    body: str | None = option(
        None,
        "KEY=VALUE, a field of every request's body; repeatable; KEY may be a path a.b, VALUE is JSON or else text, "
        "KEY= takes a field out (default: none)",
        repeat=True,
        group=Group.REQUEST,
    )
    preflight: str = option(
        "request",
        "the look before the load: request: one short request, so that what the target refuses is known; list: only "
        "its list of models; off: none",
        choices=("request", "list", "off"),
        group=Group.REQUEST,
    )
    prompts: str | None = option(
        None,
        "file of prompts: .txt (a prompt a line), .jsonl, .json, .csv or .parquet: OpenAI messages, ShareGPT, Alpaca "
        "or prompts; also as .gz (default: built-in prompts)",
        group=Group.PROMPTS,
    )
    max_tokens: int = option(
        128,
        "longest answer to ask for, in tokens",
        kind=count,
        rule=POSITIVE,
        most=AT_MOST_32_BITS,
        group=Group.REQUEST,
    )
    temperature: float = option(0.0, "sampling temperature", kind=float, rule=NOT_NEGATIVE, group=Group.REQUEST)
    seed: int = option(
        0,
        "seed of the target's sampling, of our choice of prompts and of arrivals at random",
        kind=count,
        group=Group.REQUEST,
    )
    check: str = option(
        "count",
        "count: --min-chunks and a proper end is success; full: every event is checked",
        choices=("count", "full"),
        group=Group.CHECKS,
    )
    min_chunks: int = option(
        3,
        "content chunks that a streamed answer must have with --check count, unless fewer tokens are asked for",
        kind=count,
        rule=POSITIVE,
        most=AT_MOST_32_BITS,
        group=Group.CHECKS,
    )
    client: str = option(
        "fast",
        "fast: our own transport; requests: requests + sseclient-py, for its plug-ins and as reference",
        choices=("fast", "requests"),
        group=Group.REQUEST,
    )
    request_timeout: float = option(
        60.0, "seconds for a whole request", kind=duration, rule=POSITIVE, group=Group.REQUEST
    )
    idle_timeout: float = option(
        30.0, "seconds between two reads of an answer", kind=duration, rule=POSITIVE, group=Group.REQUEST
    )
    drain: float | None = option(
        None,
        "seconds that requests in flight get at the end of the run (default: the request timeout)",
        kind=duration,
        rule=NOT_NEGATIVE,
        group=Group.RUN,
    )
    warm_up: float | None = option(
        None,
        "seconds left out of the statistics (default: one interval, 20 s where there is none; at most a fifth of the "
        "run time)",
        kind=duration,
        rule=NOT_NEGATIVE,
        group=Group.RUN,
    )
    target_pid: int | None = option(
        None,
        "process of the target on this machine: its CPU and memory are recorded",
        kind=count,
        rule=POSITIVE,
        most=AT_MOST_32_BITS,
        group=Group.TARGET,
    )
    target_metrics: str | None = option(
        None,
        "URL of the target's Prometheus metrics: its CPU and memory are read there once a second",
        group=Group.TARGET,
    )
    ca_file: str | None = option(None, "certificates to trust instead of the system's (PEM)", group=Group.REQUEST)
    client_cert: str | None = option(
        None, "our certificate, for a target that asks for one (PEM; its key may be in it)", group=Group.REQUEST
    )
    client_key: str | None = option(None, "the key of --client-cert (PEM, no passphrase)", group=Group.REQUEST)
    insecure: bool = option(
        False, "accept any certificate of the target, unchecked; for tests alone", kind=truth, group=Group.REQUEST
    )
    wait_ready: float = option(
        0.0,
        "seconds that the target may take until it answers, before the load: it may be starting; 0 = it must answer",
        kind=duration,
        rule=NOT_NEGATIVE,
        group=Group.REQUEST,
        form=False,
    )
    record_events: bool = option(
        False, "keep every event of streamed answers, in events.parquet", kind=truth, group=Group.RUN
    )
    dialect_options: Any = None
    """What the API has beside these: its `Dialect.options`; None for its defaults."""
    secrets_for: str | None = None
    """Origin of the only target that is given secrets; None for any."""

    @property
    def tls(self) -> TlsSettings:
        """Whom to trust, and our own certificate."""
        return TlsSettings(self.ca_file, self.client_cert, self.client_key, self.insecure)

    @property
    def drain_seconds(self) -> float:
        """How long requests in flight may go on at the end of the run."""
        return self.request_timeout if self.drain is None else self.drain

    def shown(self) -> dict[str, Any]:
        """The options as others may read them, those of the API among them: without a secret."""
        shown = asdict(self)
        shown |= {name: show(shown[name]) for name, show in SHOWN.items() if shown[name]}
        del shown["secrets_for"]
        return shown | (shown.pop("dialect_options") or {})

    @property
    def takes_standard_output(self) -> bool:
        """Whether a result goes there, so that what people are told must go elsewhere."""
        return False

    @property
    def course(self) -> str:
        """What the users do, where that is no load that goes on at a pace until the run time is over; else empty."""
        return ""

    def open_loop(self, stage: int = 0, per_second: float | None = None) -> Rate:
        """The arrivals of a run with a rate, or of a stage of it.

        Args:
            stage: its number.
            per_second: its own rate, instead of the run's.
        """
        rate = per_second or self.rate or 0.0
        return Rate(rate, read_process(self.arrivals), self.seed, self.ramp, stage)

    def warm_up_seconds(self, run_time: float | None, users: int | None = None) -> float:
        """How long the beginning is left out of the statistics."""
        if self.warm_up is not None:
            return self.warm_up
        return self.warm_up_by_default(self.expected_time(run_time, users))


@dataclass(frozen=True, kw_only=True)
class WatchOptions:
    """Where a process can be watched; of each process by itself, so in no manifest and no form."""

    metrics_port: int | None = option(
        None, "serve /metrics for Prometheus on this port; 0 = one that is free", kind=count, group=Group.WATCHING,
        form=False,
    )  # fmt: skip
    metrics_host: str = option("127.0.0.1", "address for --metrics-port", group=Group.WATCHING, form=False)


_tables: list[Any] = [RunOptions]


def register(table: type[Any]) -> None:
    """Make a workload's own options, or a load shape's, known to parsers that are filled from now on."""
    if table not in _tables:
        _tables.append(table)


def add_arguments(parser: Any) -> None:
    """Register every option with Locust's parser (not with a group of it, which the web form leaves out).

    Where several workloads have an option, the default is the last one's: a locustfile's imports stand first.
    """
    for each in (*known_options().values(), *options_in(WatchOptions)):
        meta, variable = each.metadata, variable_of(each)
        shown = "" if each.default is None else f"default: {default_text(each)}; "
        choices = tuple(meta["choices"]) if meta["choices"] else None  # Locust's page takes no dict
        word = "time" if meta["kind"] in TIMES else each.name.replace("_", "-")
        metavar = None if choices else f"<{word}>"
        if meta["kind"] is truth:
            more: dict[str, Any] = {"action": "store_true"}
        else:
            more = {"type": meta["kind"], "choices": choices, "metavar": metavar}
        if meta["repeat"]:
            more |= {"action": _AppendLine}
        parser.add_argument(
            flag_of(each),
            env_var=variable,
            default=each.default,
            help=f"Katydid: {meta['help']} ({shown}{variable})".replace("%", "%%"),
            include_in_web_ui=meta["form"],
            **more,
        )


def options_of_apis() -> dict[str, tuple[Any, ...]]:
    """Those that each API brings, by its name."""
    return {name: options_in(options) for name, each in DIALECTS.items() if (options := getattr(each, "options", None))}


def known_options() -> dict[str, Any]:
    """Every option of a run by its field's name."""
    tables = [*options_of_apis().values(), *map(options_in, _tables)]
    return {each.name: each for table in tables for each in table}


def headings() -> dict[str, list[str]]:
    """The names of all options under the headings of help; those of a workload are under `Group.OWN`."""
    every_run = (*options_in(RunOptions), *options_in(WatchOptions))
    found: dict[str, list[str]] = {group: [] for group in Group}
    for each in every_run:
        found[each.metadata["group"]].append(each.name)
    brought = {f"{Group.REQUEST}, --api {api}": [each.name for each in own] for api, own in options_of_apis().items()}
    common = {name for names in (*found.values(), *brought.values()) for name in names}
    found[Group.OWN] = [name for name in known_options() if name not in common]
    first, request, *others = found.items()
    return dict([first, request, *brought.items(), *others])


def plain_fields(form: Mapping[str, str]) -> dict[str, str]:
    """A web form's fields as Locust reads them: of a duration a plain number; empty ones have their defaults."""
    known = known_options()
    return {name: _plain(known.get(name), text) for name, text in form.items()}


def _plain(asked: Any, text: str) -> str:
    if asked is None or asked.metadata["kind"] is truth:
        return text
    if not text.strip():
        return "" if asked.default is None else str(asked.default)
    return str(asked.metadata["kind"](text)) if asked.metadata["kind"] in TIMES else text


def run_options(parsed: Any, table: type[Options]) -> Options:
    """Options out of Locust's parsed ones, checked again, since Locust's web form checks nothing.

    Args:
        parsed: Locust's.
        table: a dataclass whose fields `option` made.

    Raises:
        ConfigError: the first value that is wrong, by its option's name.
    """
    found = table(**{each.name: checked(each, getattr(parsed, each.name)) for each in options_in(table)})
    if not isinstance(found, RunOptions):
        return found
    found = replace(found, secrets_for=getattr(parsed, SECRETS_WIRE_NAME, None))
    if (brought := getattr(DIALECTS.get(found.api), "options", None)) is None:
        return found
    if clash := {each.name for each in options_in(brought)} & {each.name for each in options_in(table)}:
        flag = min(clash).replace("_", "-")
        raise ConfigError(f"--api {parsed.api}: its option --{flag} is one of every run or of the workload: rename it")
    return replace(found, dialect_options=run_options(parsed, brought))


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
