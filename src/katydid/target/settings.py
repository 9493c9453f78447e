"""The settings of the embedded target: one table, from which the command line is made."""

import argparse
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from importlib.util import find_spec
from typing import Any

from katydid.model.arguments import OneLineParser
from katydid.model.errors import ConfigError
from katydid.model.options import flag_of, option
from katydid.model.options.quantities import QuantityError, count, duration, format_duration, share
from katydid.target.faults import BRIDGE_FAULTS, FAULTS, TOOL_FAULTS

MAX_PORT = 65535
RECOGNISERS = ("pretend", "pocketsphinx")
MOST_WORKERS = 500
"""Each is a process of about 8 MB."""
LONGEST_PLAIN = 10.0
"""From this number on, a delay needs a unit, since the user may mean milliseconds."""


def delay(text: str) -> float:
    """Read a delay in seconds, like `duration`; a plain number is accepted only if it cannot mean milliseconds.

    Raises:
        QuantityError: it is not a duration, or its unit is ambiguous.
    """
    seconds, plain = duration(text), text.strip()
    if seconds >= LONGEST_PLAIN and not plain[-1].isalpha():
        raise QuantityError(f"{plain} has no unit: write {plain}ms or {plain}s")
    return seconds


@dataclass(frozen=True, kw_only=True)
class TargetSettings:
    """Every field is an option of `katydid target`. Delays are in seconds; a limit of 0 is off.

    Raises:
        ConfigError: a value is out of range, or contradicts another.
    """

    host: str = option("127.0.0.1", "address to listen on")
    port: int = option(0, "port to listen on; 0 = any free port", kind=count)
    models: str = option("katydid-small", "names of the models, comma-separated")
    version: str = option("embedded", "version in /health and in the Server header")
    ttft: float = option(0.2, "time from a request to its first content chunk", kind=delay)
    early_role: bool = option(False, "send headers and role at once, long before the content, as some servers do")
    chunk_interval: float = option(0.02, "time between content chunks; 0 = as fast as possible", kind=delay)
    chunks: int = option(40, "content chunks per answer (max_tokens is the upper limit)", kind=count)
    duration: float | None = option(
        None, "duration of a non-streamed answer (default: ttft plus all intervals)", kind=delay
    )
    jitter: float = option(0.0, "vary each delay randomly by up to this share of itself", kind=share)
    seed: int = option(0, "seed of jitter and faults", kind=count)
    text: str = option(" word", "text of one content chunk")
    chunk_size: int = option(
        0, "characters per content chunk: the text is cut or repeated to this length; 0 = unchanged", kind=count
    )
    tokens_per_chunk: int = option(1, "completion tokens per content chunk", kind=count)
    fail: tuple[str, ...] = option(
        (), f"inject a fault into this share of requests, repeatable; classes: {', '.join(FAULTS)}", repeat=True
    )
    max_connections: int = option(0, "maximum number of connections; further ones get a 503; 0 = no limit", kind=count)
    slots: int = option(
        0,
        "maximum number of answers served at a time; further requests wait in a queue, without headers; 0 = no limit",
        kind=count,
    )
    prefix_cache: int = option(
        0, "capacity of the prefix cache in prompt tokens; cached tokens shorten ttft; 0 = no cache", kind=count
    )
    keep_computing: bool = option(
        False, "keep computing for clients that have left: the slot stays taken as long as the answer would take"
    )
    queue_limit: int = option(
        0, "maximum number of requests that wait for a slot; further ones get a 503; 0 = no limit", kind=count
    )
    single_threaded: bool = option(False, "serve one connection at a time, as http.server.HTTPServer does")
    rate_limit: int = option(0, "maximum requests per minute per key; further ones get a 429; 0 = no limit", kind=count)
    daily_limit: int = option(
        0,
        "maximum requests per key in total; further ones get a 429 that names this limit; 0 = no limit",
        kind=count,
    )
    tool_calls: int = option(2, "tool calls per conversation, if its requests declare tools", kind=count)
    tool_fail: tuple[str, ...] = option(
        (),
        f"inject a fault into this share of turns that call tools, repeatable; classes: {', '.join(TOOL_FAULTS)}",
        repeat=True,
    )
    server_tools: int = option(0, "tools that a streamed answer reports to have run before its text", kind=count)
    speech_rtf: float = option(0.1, "speech: seconds that a worker needs for a second of audio", kind=float)
    speech_workers: int = option(1, "speech: worker processes; they start with the first stream", kind=count)
    speech_recogniser: str = option(
        "pretend", "speech: pretend (takes the time, and returns `text`), or pocketsphinx (recognises)"
    )
    speech_restart: float = option(0.0, "speech: time until a dead worker is replaced; 0 = never", kind=delay)
    speech_connections: int = option(
        0, "speech: maximum number of concurrent streams; further ones get a 503; 0 = no limit", kind=count
    )
    speech_pending_limit: int = option(
        0, "speech: while more chunks than this are queued, new streams get a 503; 0 = no limit", kind=count
    )
    bridge_rooms: str = option("Tower,Chapel,Library,Garden,Dungeon", "the chat bridge's rooms, comma-separated")
    bridge_delay: float = option(0.0, "time from a request to the chat bridge to its answer", kind=delay)
    bridge_fail: tuple[str, ...] = option(
        (),
        f"inject a fault into this share of the chat bridge's answers, repeatable; classes: {', '.join(BRIDGE_FAULTS)}",
        repeat=True,
    )
    api_key: str | None = option(
        None, "required key, sent as a bearer token, x-api-key or api-key; requests without it get a 401"
    )
    tls_cert: str | None = option(None, "certificate for https (PEM)")
    tls_key: str | None = option(None, "private key of --tls-cert (PEM)")
    log: str | None = option(None, "file for the ground truth: one JSON line per request")
    exit_with_parent: bool = option(False, "end when standard input is closed; ignore Ctrl-C")

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if isinstance(value, int | float) and not 0 <= value < math.inf:
                raise ConfigError(f"{flag_of(each)} {value:g} must be 0 or more")
        known = ", ".join(RECOGNISERS)
        for good, problem in (
            (self.port <= MAX_PORT, f"--port {self.port} must be at most {MAX_PORT}"),
            (self.jitter <= 1, f"--jitter {self.jitter:g} must be at most 1: it is a share of each delay"),
            (self.chunks, "--chunks 0 must be at least 1 (for empty answers, use --fail empty=1)"),
            (self.tokens_per_chunk, "--tokens-per-chunk 0 must be at least 1 (for empty answers, use --fail empty=1)"),
            (
                self.speech_recogniser in RECOGNISERS,
                f"--speech-recogniser {self.speech_recogniser} is not one of {known}",
            ),
            (
                not self.recognises or find_spec("pocketsphinx"),
                "--speech-recogniser pocketsphinx is not installed: pip install katydid[speech]",
            ),
            (
                1 <= self.speech_workers <= MOST_WORKERS,
                f"--speech-workers {self.speech_workers} must be from 1 to {MOST_WORKERS}",
            ),
            (self.text, "--text is empty: content needs a text (for empty answers, use --fail empty=1)"),
            (
                self.version.isascii() and self.version.isprintable(),
                f"--version {self.version!r} must be printable ASCII: it goes into a header",
            ),
            (self.model_names, "--models is empty: give at least one model"),
            (self.rooms, "--bridge-rooms is empty: give at least one room"),
            (
                bool(self.tls_cert) == bool(self.tls_key),
                "--tls-cert and --tls-key go together: give both, or neither",
            ),
        ):
            if not good:
                raise ConfigError(problem)
        _ = self.failure_rates, self.tool_failure_rates, self.bridge_rates  # these raise

    @property
    def model_names(self) -> list[str]:
        """Names of the target's models."""
        return _names(self.models)

    @property
    def rooms(self) -> list[str]:
        """The chat bridge's rooms."""
        return _names(self.bridge_rooms)

    @cached_property
    def chunk_text(self) -> str:
        """Text of one content chunk."""
        if not self.chunk_size:
            return self.text
        return (self.text * (self.chunk_size // len(self.text) + 1))[: self.chunk_size]

    @property
    def recognises(self) -> bool:
        """True if the speech workers recognise speech, False if they pretend."""
        return self.speech_recogniser != "pretend"

    @cached_property
    def server(self) -> str:
        """Value of the Server header."""
        return f"katydid-target/{self.version}"

    @cached_property
    def failure_rates(self) -> dict[str, float]:
        """Share of requests with each injected fault."""
        return _rates("--fail", self.fail, FAULTS)

    @cached_property
    def tool_failure_rates(self) -> dict[str, float]:
        """Share of turns with tool calls with each injected fault."""
        return _rates("--tool-fail", self.tool_fail, TOOL_FAULTS)

    @cached_property
    def bridge_rates(self) -> dict[str, float]:
        """Share of the chat bridge's requests with each injected fault."""
        return _rates("--bridge-fail", self.bridge_fail, BRIDGE_FAULTS)


def _names(text: str) -> list[str]:
    return [name for part in text.split(",") if (name := part.strip())]


def _rates(option: str, given: Sequence[str], known: Collection[str]) -> dict[str, float]:
    """Read CLASS=RATE arguments into rates by class.

    Raises:
        ConfigError: a class is unknown, a rate is invalid, or the rates add up to more than 1.
    """
    rates = {}
    for text in given:
        name, _, rate = text.partition("=")
        if name not in known:
            raise ConfigError(f"{option} {text}: {name!r} is not one of {', '.join(known)}")
        try:
            rates[name] = share(rate or 1)
        except QuantityError:
            raise ConfigError(f"{option} {text}: give a rate from 0 to 1, such as {name}=0.1 or {name}=10%") from None
        if not 0 <= rates[name] <= 1:
            raise ConfigError(f"{option} {text}: the rate must be from 0 to 1")
    if sum(rates.values()) > 1 + 1e-9:
        raise ConfigError(f"the rates of {option} add up to more than 1")
    return rates


ABOUT: dict[str, Any] = {
    "description": "Serve a local target with known, configurable behaviour.",
    "epilog": "example: katydid target --port 8080 --ttft 200ms --chunks 100 --chunk-interval 20ms",
}
"""Arguments of the command's parser."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add every setting as an option."""
    for each in fields(TargetSettings):
        meta, flag = each.metadata, flag_of(each)
        default: Any = each.default
        if meta["kind"] is delay and default is not None:
            default = format_duration(default)
        shown = "" if default in {None, (), ""} else f" (default: {default})"
        if each.type is bool:
            parser.add_argument(flag, action="store_true", help=meta["help"])
        elif meta.get("repeat"):
            parser.add_argument(flag, action="append", default=[], metavar="CLASS=RATE", help=meta["help"])
        else:
            parser.add_argument(
                flag,
                type=meta["kind"],
                default=each.default,
                metavar=each.name.rpartition("_")[2].upper(),
                help=(meta["help"] + shown).replace("%", "%%"),
            )


def settings_of(parsed: argparse.Namespace) -> TargetSettings:
    """Make settings from parsed arguments."""
    values: dict[str, Any] = {each.name: getattr(parsed, each.name) for each in fields(TargetSettings)}
    values |= {name: tuple(each) for name, each in values.items() if isinstance(each, list)}
    return TargetSettings(**values)


def settings_from_arguments(arguments: Sequence[str]) -> TargetSettings:
    """Make settings from the words of a command line.

    Raises:
        ConfigError: an argument is invalid.
    """
    parser = OneLineParser(prog="katydid target", **ABOUT)
    add_arguments(parser)
    return settings_of(parser.parse_args(arguments))


def arguments_from_settings(settings: TargetSettings) -> list[str]:
    """Return the words of a command line that give these settings."""
    words: list[str] = []
    for each in fields(settings):
        value, flag = getattr(settings, each.name), flag_of(each)
        if each.type is bool:
            words += [flag] if value else []
        elif each.metadata.get("repeat"):
            words += [f"{flag}={item}" for item in value]
        elif each.metadata["kind"] is delay and value is not None:
            words.append(f"{flag}={value}s")
        elif value is not None:
            words.append(f"{flag}={value}")
    return words
