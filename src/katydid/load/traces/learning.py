"""Converts a gateway's log to a trace for `--trace`, without texts or names. Does not open files; pure."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

import orjson

from katydid.load.prompts.entry import Skipped
from katydid.load.prompts.files import text_lines, unpacked
from katydid.load.prompts.json_values import json_items
from katydid.load.traces.files import collected
from katydid.load.traces.logs import Logged, requests_in
from katydid.load.traces.record import Record
from katydid.load.traces.trace import Trace
from katydid.model.errors import ConfigError

_SPACE = b" \t\r\n"
COLUMNS = "time,input,output,session,parent"


@dataclass(frozen=True, slots=True)
class Learned:
    """The contents of a log.

    Attributes:
        trace: the answered requests; conversations are numbered from 1.
        began: time of the first request, in seconds since 1970.
        cached: share of the input tokens that came from a prefix cache; None if the log has no such data.
        left_out: number of entries that are not answered requests, by reason.
    """

    trace: Trace
    began: float
    cached: float | None
    left_out: Counter[str]


def learned(pieces: Iterable[bytes]) -> Learned:
    """Parse a log in any format that `logs` knows.

    Raises:
        ConfigError: the log cannot be read, or has no answered request.
    """
    found: list[Logged] = []
    left_out: Counter[str] = Counter()
    for value in _values(unpacked(pieces)):
        for each in [value] if isinstance(value, Skipped) else requests_in(value):
            if isinstance(each, Skipped):
                left_out[str(each)] += 1
            else:
                found.append(each)
    counted = [each for each in found if each.input_tokens is not None and each.output_tokens]
    if counted:
        left_out["no count of tokens"] += len(found) - len(counted)
        found = counted
    if not found:
        why = ", ".join(f"{count} with {reason}" for reason, count in left_out.most_common(3))
        raise ConfigError(
            f"contains no answered request in a format of LiteLLM, nginx or OpenTelemetry{f' ({why})' if why else ''}"
        )
    return Learned(_trace(found, lengths=bool(counted)), min(each.start for each in found), _cached(found), +left_out)


def csv_of(trace: Trace) -> Iterator[str]:
    """Yield the lines of Katydid's CSV format: times to the microsecond, parents as request numbers from 1."""
    yield COLUMNS
    for number, due in enumerate(trace.due):
        parent = trace.parent(number)
        lengths = [column[number] if column else "" for column in (trace.inputs, trace.outputs)]
        session = trace.sessions[number] if trace.sessions else None
        cells = (f"{due:.6f}".rstrip("0").rstrip("."), *lengths, session or "", "" if parent is None else parent + 1)
        yield ",".join(map(str, cells))


def _trace(found: Iterable[Logged], *, lengths: bool) -> Trace:
    """Build the trace; a session with a single request is dropped."""
    ordered = sorted(found, key=lambda each: each.start)
    counts = Counter(each.session for each in ordered if each.session is not None)
    names: dict[str, str] = {}
    records = []
    for each in ordered:
        session = None
        if each.session is not None and counts[each.session] > 1:
            session = names.setdefault(each.session, str(len(names) + 1))
        tokens = (each.input_tokens, each.output_tokens) if lengths else (None, None)
        records.append(Record(each.start, *tokens, session))
    return collected((f"request {number}", record) for number, record in enumerate(records, start=1))


def _cached(found: Iterable[Logged]) -> float | None:
    told = [(each.cached_tokens, each.input_tokens) for each in found if each.cached_tokens is not None]
    total = sum(tokens or 0 for _, tokens in told)
    return sum(cached for cached, _ in told if cached) / total if total else None


def _values(pieces: Iterator[bytes]) -> Iterator[object]:
    """Yield the JSON values of a log: one per line, with other lines marked as skipped; or one multi-line document."""
    head = b""
    for piece in pieces:
        head += piece
        if b"\n" in head.lstrip(_SPACE):
            break
    source = chain([head], pieces)
    if head.lstrip(_SPACE).partition(b"\n")[0].rstrip() in {b"{", b"["} or head.lstrip(_SPACE)[:1] == b"[":
        yield from (value for _, _, value in json_items(source))
        return
    for _, text in text_lines(source):
        if not text.strip():
            continue
        try:
            yield orjson.loads(text)
        except orjson.JSONDecodeError:
            yield Skipped("no JSON")
