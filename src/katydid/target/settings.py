"""What the embedded target can be told to do: one table, from which the command line is made."""

import argparse
import math
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from importlib.util import find_spec
from typing import Any

from katydid.model.arguments import OneLineParser
from katydid.model.errors import ConfigError
from katydid.target.apis.tools import TOOL_FAULTS
from katydid.target.bridge.service import BRIDGE_FAULTS
from katydid.target.faults import FAULTS

MAX_PORT = 65535
RECOGNISERS = ("pretend", "pocketsphinx")
MOST_WORKERS = 500
"""Processes, about 8 MB each."""
_DURATION = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*(us|ms|s|m)?")
_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, None: 1.0, "m": 60.0}


def duration(text: str) -> float:
    """Seconds: `200ms`, `1.5s`, `2m`, or a plain number.

    Raises:
        ValueError: it is none of these.
    """
    found = _DURATION.fullmatch(text.strip())
    if not found:
        raise ValueError(f"{text!r} is not a duration such as 200ms or 1.5s")
    return float(found[1]) * _UNITS[found[2]]


LONGEST_PLAIN = 10.0
"""Seconds that a delay may be given without a unit; more than that is likely to be meant in milliseconds."""


def delay(text: str) -> float:
    """Seconds, as `duration` reads them; a plain number is taken where it cannot be meant in milliseconds.

    Raises:
        argparse.ArgumentTypeError: it is none, or may be meant in either unit.
    """
    try:
        seconds = duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    plain = text.strip()
    if seconds >= LONGEST_PLAIN and not plain[-1].isalpha():
        raise argparse.ArgumentTypeError(f"{plain} has no unit: write {plain}ms or {plain}s")
    return seconds


def _option(default: Any, help_text: str, kind: Callable[[str], Any] = str, **more: Any) -> Any:
    return field(default=default, metadata={"help": help_text, "kind": kind, **more})


@dataclass(frozen=True, kw_only=True)
class TargetSettings:
    """Every field is an option of `katydid target`. Delays in seconds; 0 where a limit is off."""

    host: str = _option("127.0.0.1", "address to listen on")
    port: int = _option(0, "port to listen on; 0 = one that is free", int)
    models: str = _option("katydid-small", "names of the models, comma-separated")
    version: str = _option("embedded", "the version that /health and the Server header name")
    ttft: float = _option(0.2, "from a request to its first content chunk", delay)
    early_role: bool = _option(False, "send headers and role at once, as some servers do, long before the content")
    chunk_interval: float = _option(0.02, "between content chunks; 0 = as fast as they go", delay)
    chunks: int = _option(40, "content chunks of an answer (max_tokens is the upper limit)", int)
    duration: float | None = _option(None, "of a non-streaming answer (default: ttft and all intervals)", delay)
    jitter: float = _option(0.0, "each delay varies by this share of itself, seeded", float)
    seed: int = _option(0, "of jitter and faults", int)
    text: str = _option(" word", "text of one content chunk")
    chunk_size: int = _option(0, "characters of one content chunk: the text cut or repeated; 0 = as it is", int)
    tokens_per_chunk: int = _option(1, "completion tokens that one content chunk counts as", int)
    fail: tuple[str, ...] = _option((), f"CLASS=RATE, repeatable; classes: {', '.join(FAULTS)}", str, repeat=True)
    max_connections: int = _option(0, "connections beyond these get a 503", int)
    slots: int = _option(0, "answers served at a time; others wait in a queue, without headers", int)
    queue_limit: int = _option(0, "requests that may wait for a slot; others get a 503", int)
    single_threaded: bool = _option(False, "serve one connection at a time, as http.server.HTTPServer does")
    rate_limit: int = _option(0, "requests a minute and key; others get a 429", int)
    daily_limit: int = _option(0, "requests a key in all; others get a 429 that says so", int)
    tool_calls: int = _option(2, "tool calls of a conversation whose requests declare tools", int)
    tool_fail: tuple[str, ...] = _option(
        (), f"CLASS=RATE, repeatable, of turns that call tools; classes: {', '.join(TOOL_FAULTS)}", str, repeat=True
    )
    server_tools: int = _option(0, "tools that a streamed answer tells to have run before its text", int)
    speech_rtf: float = _option(0.1, "speech: seconds of a worker's time that a second of audio takes", float)
    speech_workers: int = _option(1, "speech: workers, each a process; they start with the first stream", int)
    speech_recogniser: str = _option(
        "pretend", "speech: pretend (takes its time, says `text`), or pocketsphinx (recognises)"
    )
    speech_restart: float = _option(0.0, "speech: until a worker that died is replaced; 0 = never", delay)
    speech_connections: int = _option(0, "speech: streams at a time; others get a 503", int)
    speech_pending_limit: int = _option(0, "speech: with more chunks in the queue, new streams get a 503", int)
    bridge_rooms: str = _option("Tower,Chapel,Library,Garden,Dungeon", "the chat bridge's rooms, comma-separated")
    bridge_delay: float = _option(0.0, "from a request to the chat bridge to its answer", delay)
    bridge_fail: tuple[str, ...] = _option(
        (), f"CLASS=RATE, repeatable, of the chat bridge; classes: {', '.join(BRIDGE_FAULTS)}", str, repeat=True
    )
    api_key: str | None = _option(None, "key to demand, as a bearer token, x-api-key or api-key; others get a 401")
    tls_cert: str | None = _option(None, "certificate, for https (PEM)")
    tls_key: str | None = _option(None, "its key")
    log: str | None = _option(None, "file for the ground truth: a JSON line a request")
    exit_with_parent: bool = _option(False, "end when standard input is closed; ignore Ctrl-C")

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ConfigError: a value is out of its range, or does not go with another.
        """
        self._check_numbers()
        self._check_words()
        if bool(self.tls_cert) != bool(self.tls_key):
            raise ConfigError("--tls-cert and --tls-key go together: give both, or neither")
        _ = self.failure_rates, self.tool_failure_rates, self.bridge_rates  # they raise
        if not self.rooms:
            raise ConfigError("--bridge-rooms names no room")

    def _check_numbers(self) -> None:
        for option in fields(self):
            value = getattr(self, option.name)
            if isinstance(value, int | float) and not 0 <= value < math.inf:
                raise ConfigError(f"--{option.name.replace('_', '-')} {value:g} must be 0 or more")
        if self.port > MAX_PORT:
            raise ConfigError(f"--port {self.port} must be at most {MAX_PORT}")
        if self.jitter > 1:
            raise ConfigError(f"--jitter {self.jitter:g} must be at most 1, a share of each delay")
        for name, value in (("chunks", self.chunks), ("tokens-per-chunk", self.tokens_per_chunk)):
            if value < 1:
                raise ConfigError(f"--{name} {value} must be at least 1 (for empty answers: --fail empty=1)")
        if self.speech_recogniser not in RECOGNISERS:
            raise ConfigError(f"--speech-recogniser {self.speech_recogniser} is not one of {', '.join(RECOGNISERS)}")
        if self.speech_recogniser == "pocketsphinx" and find_spec("pocketsphinx") is None:
            raise ConfigError("--speech-recogniser pocketsphinx: it is not installed: pip install katydid[speech]")
        if not 1 <= self.speech_workers <= MOST_WORKERS:
            raise ConfigError(f"--speech-workers {self.speech_workers} must be from 1 to {MOST_WORKERS}")

    def _check_words(self) -> None:
        if not self.text:
            raise ConfigError("--text is empty: a chunk without text is no content (for that: --fail empty=1)")
        if not (self.version.isascii() and self.version.isprintable()):
            raise ConfigError(f"--version {self.version!r} must be printable ASCII: it goes into a header")
        if not self.model_names:
            raise ConfigError("--models names no model")

    @property
    def model_names(self) -> list[str]:
        """The models that this target has."""
        return [name for part in self.models.split(",") if (name := part.strip())]

    @cached_property
    def chunk_text(self) -> str:
        """Text of one content chunk."""
        if not self.chunk_size:
            return self.text
        return (self.text * (self.chunk_size // len(self.text) + 1))[: self.chunk_size]

    @cached_property
    def server(self) -> str:
        """What the Server header says."""
        return f"katydid-target/{self.version}"

    @property
    def failure_rates(self) -> dict[str, float]:
        """Share of requests that get each injected fault."""
        return _rates("--fail", self.fail, FAULTS)

    @property
    def tool_failure_rates(self) -> dict[str, float]:
        """Share of turns with tool calls that get each fault of these."""
        return _rates("--tool-fail", self.tool_fail, TOOL_FAULTS)

    @property
    def bridge_rates(self) -> dict[str, float]:
        """Share of the chat bridge's answers that get each of its defects."""
        return _rates("--bridge-fail", self.bridge_fail, BRIDGE_FAULTS)

    @property
    def rooms(self) -> list[str]:
        """The chat bridge's rooms."""
        return [name for part in self.bridge_rooms.split(",") if (name := part.strip())]


def _rates(option: str, given: Sequence[str], known: Collection[str]) -> dict[str, float]:
    """CLASS=RATE by class.

    Raises:
        ConfigError: a class or a rate is none, or the rates add up to more than 1.
    """
    rates = {}
    for text in given:
        name, _, rate = text.partition("=")
        if name not in known:
            raise ConfigError(f"{option} {text}: {name!r} is not one of {', '.join(known)}")
        try:
            rates[name] = float(rate or 1)
        except ValueError:
            raise ConfigError(f"{option} {text}: give a rate from 0 to 1, as in {name}=0.1") from None
        if not 0 <= rates[name] <= 1:
            raise ConfigError(f"{option} {text}: the rate must be from 0 to 1")
    if sum(rates.values()) > 1 + 1e-9:
        raise ConfigError(f"the rates of {option} add up to more than 1")
    return rates


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Every setting as an option."""
    for option in fields(TargetSettings):
        meta = option.metadata
        flag = "--" + option.name.replace("_", "-")
        shown = "" if option.default in {None, (), ""} else f" (default: {option.default})"
        if option.type is bool:
            parser.add_argument(flag, action="store_true", help=meta["help"])
        elif meta.get("repeat"):
            parser.add_argument(flag, action="append", default=[], metavar="CLASS=RATE", help=meta["help"])
        else:
            parser.add_argument(
                flag,
                type=meta["kind"],
                default=option.default,
                metavar=option.name.rpartition("_")[2].upper(),
                help=(meta["help"] + shown).replace("%", "%%"),
            )


def settings_of(parsed: argparse.Namespace) -> TargetSettings:
    """Settings out of parsed arguments."""
    values: dict[str, Any] = {option.name: getattr(parsed, option.name) for option in fields(TargetSettings)}
    for option in fields(TargetSettings):
        if option.metadata.get("repeat"):
            values[option.name] = tuple(values[option.name])
    return TargetSettings(**values)


def settings_from_arguments(arguments: Sequence[str]) -> TargetSettings:
    """Settings out of words of a command line.

    Raises:
        ConfigError: they are no good.
    """
    parser = OneLineParser(
        prog="katydid target",
        description="Serve a local target with known, settable behaviour.",
        epilog="example: katydid target --port 8080 --ttft 200ms --chunks 100 --chunk-interval 20ms",
    )
    add_arguments(parser)
    return settings_of(parser.parse_args(arguments))


def arguments_from_settings(settings: TargetSettings) -> list[str]:
    """The words of a command line that give these settings."""
    words: list[str] = []
    for option in fields(settings):
        value, flag = getattr(settings, option.name), "--" + option.name.replace("_", "-")
        if option.type is bool:
            words += [flag] if value else []
        elif option.metadata.get("repeat"):
            words += [f"{flag}={item}" for item in value]
        elif option.metadata["kind"] is delay and value is not None:
            words.append(f"{flag}={value}s")
        elif value is not None:
            words.append(f"{flag}={value}")
    return words
