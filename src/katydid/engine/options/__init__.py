"""The table of a run's options.

The command line, the environment, Locust's web form and the workers all take their options from here (`parsing`). A
workload's own options are a subclass; an API's own are its `Dialect.options`.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from katydid.dialects import DIALECTS
from katydid.engine.options.arrivals import AMOUNT, SECONDS, ArrivalOptions
from katydid.engine.sender.headers import shown_headers
from katydid.load.arrivals import Rate, read_process
from katydid.load.body import shown_fields
from katydid.load.leaving import LeavingOptions
from katydid.load.lengths import LengthOptions
from katydid.model.options import A_PORT, NOT_NEGATIVE, POSITIVE, Group, option, truth
from katydid.model.options.quantities import count, duration
from katydid.model.redact import hide_query, strip_credentials
from katydid.resources import git
from katydid.transport.exchange import TlsSettings

SHOWN: dict[str, Callable[[str], str | None]] = {
    "endpoint": hide_query, "before_run": strip_credentials, "header": shown_headers, "body": shown_fields,
}  # fmt: skip
"""Options that may contain a secret, and the function that makes each safe to show."""
LONGEST_LABEL = 255
"""Characters: the label becomes a folder's name, and file systems limit names to 255 bytes."""

_request, _run = partial(option, group=Group.REQUEST), partial(option, group=Group.RUN)
_checks, _target = partial(option, group=Group.CHECKS), partial(option, group=Group.TARGET)
_watching = partial(option, group=Group.WATCHING, form=False)


@dataclass(frozen=True, kw_only=True)
class RunOptions(LengthOptions, LeavingOptions, ArrivalOptions):
    """The options of a run. Times are in seconds, unless a name says otherwise."""

    failure_threshold: int = _run(
        5, "abort the run after this many failed requests; 0 = never", kind=count, rule=NOT_NEGATIVE
    )
    version_label: str | None = _run(
        None,
        "version of the service under test (default: `git describe` in the working folder)",
        rule=(lambda v: len(v) <= LONGEST_LABEL, f"must have at most {LONGEST_LABEL} characters"),
        variable="LOAD_TEST_VERSION",
    )
    results: str = _run("reports", "folder for run folders", form=False)
    api: str = _request("openai", "the target's API", choices=DIALECTS)
    endpoint: str | None = _request(None, "path of the API, with a query if needed (default: the API's own path)")
    header: str | None = _request(
        None, "NAME=VALUE, sent with every request; repeatable; VALUE may be env:VARIABLE", repeat=True
    )
    model: str | None = _request(
        None, "model, or a mix such as a=0.7,b=0.3 (default: the first one that the target lists)"
    )
    body: str | None = _request(
        None,
        "KEY=VALUE, a field of every request's body; repeatable; KEY may be a path a.b, VALUE is JSON or else text, "
        "KEY= removes a field (default: none)",
        repeat=True,
    )
    preflight: str = _request(
        "request",
        "check of the target before the load: request = send one short request, to find fields it rejects; list "
        "= only fetch its list of models; off = none",
        choices=("request", "list", "off"),
    )
    prompts: str | None = option(
        None,
        "file of prompts: .txt (one per line), .jsonl, .json, .csv or .parquet with OpenAI messages, ShareGPT, Alpaca "
        "or plain prompts; may be .gz (default: built-in prompts)",
        group=Group.PROMPTS,
    )
    max_tokens: int = _request(128, "maximum number of tokens to ask for in an answer", **AMOUNT)
    temperature: float = _request(0.0, "sampling temperature", kind=float, rule=NOT_NEGATIVE)
    seed: int = _request(0, "seed for the target's sampling, the choice of prompts and random arrivals", kind=count)
    check: str = _checks(
        "count",
        "count = an answer succeeds if it has --min-chunks and ends properly; full = also check every event",
        choices=("count", "full"),
    )
    min_chunks: int = _checks(
        3, "content chunks that a streamed answer needs with --check count, unless fewer tokens are asked for", **AMOUNT
    )
    client: str = _request(
        "fast",
        "fast = Katydid's own transport; requests = requests + sseclient-py, for its plug-ins and as a reference",
        choices=("fast", "requests"),
    )
    request_timeout: float = _request(60.0, "seconds allowed for a whole request", kind=duration, rule=POSITIVE)
    idle_timeout: float = _request(30.0, "seconds allowed between two reads of an answer", kind=duration, rule=POSITIVE)
    drain: float | None = _run(
        None,
        "seconds that requests in flight may still take at the end of the run (default: the request timeout)",
        **SECONDS,
    )
    warm_up: float | None = _run(
        None,
        "seconds at the start left out of the statistics (default: one interval, or 20 s if there is none; at most a "
        "fifth of the run time)",
        **SECONDS,
    )
    target_pid: int | None = _target(
        None, "process id of the target on this machine, to record its CPU and memory", **AMOUNT
    )
    target_metrics: str | None = _target(
        None, "URL of the target's Prometheus metrics, to record its CPU and memory once a second"
    )
    ca_file: str | None = _request(None, "certificates to trust instead of the system's (PEM)")
    client_cert: str | None = _request(
        None, "client certificate, for a target that asks for one (PEM; may include its key)"
    )
    client_key: str | None = _request(None, "the key of --client-cert (PEM, no passphrase)")
    insecure: bool = _request(False, "accept any certificate of the target, unverified; only for tests", kind=truth)
    wait_ready: float = _request(
        0.0,
        "seconds to wait before the load for a target that is starting; 0 = it must answer at once",
        **SECONDS,
        form=False,
    )
    record_events: bool = _run(False, "record every event of streamed answers in events.parquet", kind=truth)
    dialect_options: object = None
    """The API's own options (its `Dialect.options`); None for their defaults."""
    secrets_for: str | None = None
    """Origin of the only target that may receive secrets; None for any."""

    @property
    def tls(self) -> TlsSettings:
        """The certificates to trust and the client certificate."""
        return TlsSettings(self.ca_file, self.client_cert, self.client_key, self.insecure)

    @property
    def drain_seconds(self) -> float:
        """Seconds that requests in flight may still take at the end of the run."""
        return self.request_timeout if self.drain is None else self.drain

    def shown(self) -> dict[str, object]:
        """The options without secrets, as others may read them, with the API's own among them."""
        shown = asdict(self)
        shown |= {name: show(shown[name]) for name, show in SHOWN.items() if shown[name]}
        del shown["secrets_for"]
        return shown | (shown.pop("dialect_options") or {})

    @property
    def takes_standard_output(self) -> bool:
        """True if a result goes to standard output, so that messages must go to standard error."""
        return False

    @property
    def results_beside(self) -> tuple[str | None, ...]:
        """Files that the workload writes after a run outside its run folder."""
        return ()

    @property
    def course(self) -> str:
        """What the users do, if that is not a load at a steady pace until the run time is over; else empty."""
        return ""

    def open_loop(self, stage: int = 0, per_second: float | None = None) -> Rate:
        """The arrivals of a run with a rate, or of a stage that may have its own rate."""
        return Rate(per_second or self.rate or 0.0, read_process(self.arrivals), self.seed, self.ramp, stage)

    def warm_up_seconds(self, run_time: float | None, users: int | None = None) -> float:
        """Seconds at the start that are left out of the statistics."""
        if self.warm_up is not None:
            return self.warm_up
        return self.warm_up_by_default(self.expected_time(run_time, users))


@dataclass(frozen=True, kw_only=True)
class WatchOptions:
    """Options for watching a process; each process has its own, so they are in no manifest and no form."""

    metrics_port: int | None = _watching(
        None, "serve /metrics for Prometheus on this port; 0 = any free port", kind=count, rule=A_PORT
    )
    metrics_host: str = _watching("127.0.0.1", "address for --metrics-port")


def version_label(options: RunOptions, folder: Path) -> str:
    """The label of the version under test: as given, else `git describe` of the folder, else `unversioned`."""
    if options.version_label:
        return options.version_label
    return git("describe", "--tags", "--always", "--dirty", folder=folder) or "unversioned"
