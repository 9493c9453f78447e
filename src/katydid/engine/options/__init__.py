"""The options of a run, in one table.

The command line, the environment, Locust's web form and the workers all take them from here (`parsing`). A workload's
own options are a subclass; an API's are its dialect's (`Dialect.options`).
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from katydid.dialects import DIALECTS
from katydid.engine.options.arrivals import ArrivalOptions
from katydid.engine.sender.headers import shown_headers
from katydid.load.arrivals import Rate, read_process
from katydid.load.body import shown_fields
from katydid.load.leaving import LeavingOptions
from katydid.load.lengths import LengthOptions
from katydid.model.options import A_PORT, AT_MOST_32_BITS, NOT_NEGATIVE, POSITIVE, Group, option, truth
from katydid.model.options.quantities import count, duration
from katydid.model.redact import hide_query, strip_credentials
from katydid.resources import git
from katydid.transport.exchange import TlsSettings

SHOWN: dict[str, Callable[[str], str | None]] = {
    "endpoint": hide_query, "before_run": strip_credentials, "header": shown_headers, "body": shown_fields,
}  # fmt: skip
"""Options that may hold a secret: how others may read them."""
LONGEST_LABEL = 255
"""Characters; the label names a folder, and file systems take names of so many bytes."""


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
    dialect_options: object = None
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

    def shown(self) -> dict[str, object]:
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
    def results_beside(self) -> tuple[str | None, ...]:
        """Files that the workload writes when a run is over, beside its folder."""
        return ()

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
        None, "serve /metrics for Prometheus on this port; 0 = one that is free", kind=count, rule=A_PORT,
        group=Group.WATCHING, form=False,
    )  # fmt: skip
    metrics_host: str = option("127.0.0.1", "address for --metrics-port", group=Group.WATCHING, form=False)


def version_label(options: RunOptions, folder: Path) -> str:
    """The version under test: as given, else what git calls the working folder, else `unversioned`."""
    if options.version_label:
        return options.version_label
    return git("describe", "--tags", "--always", "--dirty", folder=folder) or "unversioned"
