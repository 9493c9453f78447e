"""Converts a gateway's log to a trace for `--trace`, without texts or names. Does not open files; pure.

A log's entry is one of:

    startTime, prompt_tokens, completion_tokens       LiteLLM's StandardLoggingPayload, and its spend logs
    msec or time_iso8601 or time_local, request_time  nginx's log in JSON, with any other configured fields
    resourceSpans, or a span with attributes          OpenTelemetry's GenAI spans, as OTLP JSON or from an SDK

LiteLLM: https://docs.litellm.ai/docs/proxy/logging_spec. nginx: http://nginx.org/en/docs/http/ngx_http_log_module.html.
OpenTelemetry: https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

import orjson

from katydid.load.lengths import MOST
from katydid.load.prompts.entry import Skipped
from katydid.load.prompts.files import peeked, text_lines, unpacked
from katydid.load.prompts.json_values import json_items
from katydid.load.traces.files import collected
from katydid.load.traces.record import INPUTS, OUTPUTS, SESSIONS, Record, seconds_of
from katydid.load.traces.trace import Trace
from katydid.model.errors import ConfigError
from katydid.model.values import amount

COLUMNS = "time,input,output,session,parent"
_NGINX_TIMES = ("msec", "time_iso8601", "time_local", "timestamp", "@timestamp", "time")
_NGINX = frozenset({*_NGINX_TIMES[:3], "request_time"})
_OPERATIONS = frozenset({"chat", "text_completion", "generate_content"})
_SUCCESS = range(200, 300)
_GENAI = "gen_ai."
_GENAI_INPUTS = ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens")
_GENAI_OUTPUTS = ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens")
_GENAI_CACHED = ("gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens")
_GENAI_SESSIONS = ("gen_ai.conversation.id", "session.id")


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


@dataclass(frozen=True, slots=True)
class _Logged:
    """One answered request.

    Attributes:
        start: seconds since 1970.
        input_tokens, output_tokens: None if not in the log.
        session: the log's id of the conversation; None if not in the log.
        cached_tokens: input tokens that came from a prefix cache; None if not in the log.
    """

    start: float
    input_tokens: int | None = None
    output_tokens: int | None = None
    session: str | None = None
    cached_tokens: int | None = None


def learned(pieces: Iterable[bytes]) -> Learned:
    """Parse a log in any known format.

    Raises:
        ConfigError: the log cannot be read, or has no answered request.
    """
    found: list[_Logged] = []
    left_out: Counter[str] = Counter()
    for each in chain.from_iterable(map(_requests, _values(unpacked(pieces)))):
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


def _trace(found: Iterable[_Logged], *, lengths: bool) -> Trace:
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


def _cached(found: Iterable[_Logged]) -> float | None:
    told = [(each.cached_tokens, each.input_tokens) for each in found if each.cached_tokens is not None]
    total = sum(tokens or 0 for _, tokens in told)
    return sum(cached for cached, _ in told if cached) / total if total else None


def _values(pieces: Iterator[bytes]) -> Iterator[object]:
    """Yield the JSON values of a log: one per line, with other lines marked as skipped; or one multi-line document."""
    head, source = peeked(pieces, lambda head: len(_first_line(head)) > 1 or b"\n" in head.lstrip())
    if _first_line(head) == b"{" or head.lstrip()[:1] == b"[":
        yield from (value for _, _, value in json_items(source))
        return
    for _, text in text_lines(source):
        if not text.strip():
            continue
        try:
            yield orjson.loads(text)
        except orjson.JSONDecodeError:
            yield Skipped("no JSON")


def _first_line(head: bytes) -> bytes:
    return head.lstrip().partition(b"\n")[0].rstrip()


def _requests(entry: object) -> Iterator[_Logged | Skipped]:
    """Yield the requests of one entry, usually one; yields the reason instead if a request is left out."""
    if isinstance(entry, Skipped):
        yield entry
        return
    if not isinstance(entry, dict):
        yield Skipped("no object")
        return
    payload = entry.get("standard_logging_object")
    value = payload if isinstance(payload, dict) else entry
    read: Callable[[Mapping[str, object]], _Logged]
    requests: Iterable[Mapping[str, object]] = [value]
    if "resourceSpans" in value:
        read, requests = _span, _spans(value)
    elif isinstance(value.get("attributes"), dict | list):
        read = _span
    elif "startTime" in value:
        read = _litellm
    elif value.keys() & _NGINX:
        read = _nginx
    else:
        yield Skipped("no request of a known format")
        return
    for each in requests:
        try:
            yield read(each)
        except Skipped as why:
            yield why


def _litellm(value: Mapping[str, object]) -> _Logged:
    if str(value.get("status") or "success") != "success":
        raise Skipped("a failure")
    if value.get("cache_hit") in {True, "True"}:
        raise Skipped("an answer from the gateway's cache")
    usage = _inner(value, "usage") or _inner(value, "metadata", "usage_object")
    sessions = (*SESSIONS, "litellm_session_id")
    session = _text(value, *sessions) or _text(_inner(value, "metadata"), *sessions) or _text(value, "trace_id")
    return _Logged(
        _moment(value, "startTime"),
        _count(value, *INPUTS) or _count(usage, *INPUTS),
        _count(value, *OUTPUTS) or _count(usage, *OUTPUTS),
        session,
        _count(_inner(usage, "prompt_tokens_details"), "cached_tokens"),
    )


def _nginx(value: Mapping[str, object]) -> _Logged:
    status = _number(value.get("status"))
    if status is not None and status not in _SUCCESS:
        raise Skipped(f"status {status:.0f}")
    method = _text(value, "request_method", "method") or str(value.get("request") or "POST").partition(" ")[0]
    if method.upper() != "POST":
        raise Skipped("a method other than POST")
    end = _moment(value, *_NGINX_TIMES)
    return _Logged(
        end - (_number(value.get("request_time")) or 0.0),  # nginx logs the end of a request
        _count(value, *INPUTS),
        _count(value, *OUTPUTS),
        _text(value, *SESSIONS),
        _count(value, "cached_tokens"),
    )


def _spans(value: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    """Yield the spans of all scopes in OTLP JSON; malformed parts are ignored."""
    for resource in _list(value.get("resourceSpans")):
        for scope in _list(resource.get("scopeSpans")):
            yield from _list(scope.get("spans"))


def _list(value: object) -> list[dict[str, object]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _span(value: Mapping[str, object]) -> _Logged:
    attributes = _attributes(value.get("attributes"))
    if not any(name.startswith(_GENAI) for name in attributes):
        raise Skipped("a span of another kind")
    if str(attributes.get("gen_ai.operation.name", "chat")) not in _OPERATIONS:
        raise Skipped("another operation")
    status = _inner(value, "status")
    code = status.get("code", status.get("status_code"))
    if attributes.get("error.type") or code in {2, "ERROR", "STATUS_CODE_ERROR"}:
        raise Skipped("a failure")
    nanoseconds = _number(value.get("startTimeUnixNano"))
    dated = value if nanoseconds is None else {"start_time": nanoseconds / 1e9}
    return _Logged(
        _moment(dated, "start_time", "startTime"),
        _count(attributes, *_GENAI_INPUTS),
        _count(attributes, *_GENAI_OUTPUTS),
        _text(attributes, *_GENAI_SESSIONS),
        _count(attributes, *_GENAI_CACHED),
    )


def _attributes(value: object) -> dict[str, object]:
    """Return attributes by name, from an SDK's object or from OTLP's list of keys and typed values."""
    if isinstance(value, dict):
        return value
    return {
        str(each.get("key")): next(iter(typed.values()), None)
        for each in _list(value)
        if isinstance(typed := each.get("value"), dict)
    }


def _inner(value: Mapping[str, object], *names: str) -> Mapping[str, object]:
    for name in names:
        found = value.get(name)
        value = found if isinstance(found, dict) else {}
    return value


def _moment(value: Mapping[str, object], *names: str) -> float:
    for name in names:
        said = value.get(name)
        if said is None or said == "":
            continue
        with suppress(ValueError, OverflowError):
            return seconds_of(said)
        with suppress(ValueError, OverflowError):
            return datetime.strptime(str(said), "%d/%b/%Y:%H:%M:%S %z").timestamp()
    raise Skipped("no time that can be read")


def _text(value: Mapping[str, object], *names: str) -> str | None:
    found = (str(said) for name in names if (said := value.get(name)) is not None)
    return next((text for text in found if text not in {"", "-"}), None)


def _count(value: Mapping[str, object], *names: str) -> int | None:
    found = (_number(value.get(name)) for name in names)
    return next((int(number) for number in found if number is not None and number <= MOST), None)


def _number(said: object) -> float | None:
    """Return a number, which the log may contain as text."""
    try:
        return amount(float(said) if isinstance(said, str) else said)
    except ValueError:
        return None
