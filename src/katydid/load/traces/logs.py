"""Parses a request in a gateway's log: its start, lengths and conversation, never its text. Pure.

    startTime, prompt_tokens, completion_tokens       LiteLLM's StandardLoggingPayload, and its spend logs
    msec or time_iso8601 or time_local, request_time  nginx's log in JSON, with any other configured fields
    resourceSpans, or a span with attributes          OpenTelemetry's GenAI spans, as OTLP JSON or from an SDK

LiteLLM: https://docs.litellm.ai/docs/proxy/logging_spec. nginx: http://nginx.org/en/docs/http/ngx_http_log_module.html.
OpenTelemetry: https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from katydid.load.lengths import MOST
from katydid.load.prompts.entry import Skipped
from katydid.load.traces.record import INPUTS, OUTPUTS, SESSIONS, seconds_of
from katydid.model.values import amount

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
class Logged:
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


def requests_in(value: object) -> Iterator[Logged | Skipped]:
    """Yield the requests in one log entry, usually one; yields the reason instead if a request is left out."""
    if not isinstance(value, dict):
        yield Skipped("no object")
        return
    payload = value.get("standard_logging_object")
    value = payload if isinstance(payload, dict) else value
    if "resourceSpans" in value:
        yield from map(_told(_span), _spans(value))
    elif isinstance(value.get("attributes"), dict | list):
        yield _told(_span)(value)
    elif "startTime" in value:
        yield _told(_litellm)(value)
    elif value.keys() & _NGINX:
        yield _told(_nginx)(value)
    else:
        yield Skipped("no request of a known format")


def _told(read: Any) -> Any:
    def tell(value: Mapping[str, object]) -> Logged | Skipped:
        try:
            found: Logged = read(value)
        except Skipped as why:
            return why
        return found

    return tell


def _litellm(value: Mapping[str, object]) -> Logged:
    if str(value.get("status") or "success") != "success":
        raise Skipped("a failure")
    if value.get("cache_hit") in {True, "True"}:
        raise Skipped("an answer from the gateway's cache")
    usage = _inner(value, "usage") or _inner(value, "metadata", "usage_object")
    sessions = (*SESSIONS, "litellm_session_id")
    session = _text(value, *sessions) or _text(_inner(value, "metadata"), *sessions) or _text(value, "trace_id")
    return Logged(
        _moment(value, "startTime"),
        _count(value, *INPUTS) or _count(usage, *INPUTS),
        _count(value, *OUTPUTS) or _count(usage, *OUTPUTS),
        session,
        _count(_inner(usage, "prompt_tokens_details"), "cached_tokens"),
    )


def _nginx(value: Mapping[str, object]) -> Logged:
    status = amount(_number(value.get("status")))
    if status is not None and status not in _SUCCESS:
        raise Skipped(f"status {status:.0f}")
    method = _text(value, "request_method", "method") or str(value.get("request") or "POST").partition(" ")[0]
    if method.upper() != "POST":
        raise Skipped("a method other than POST")
    end = _moment(value, *_NGINX_TIMES)
    return Logged(
        end - (amount(_number(value.get("request_time"))) or 0.0),  # nginx logs the end of a request
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


def _span(value: Mapping[str, object]) -> Logged:
    attributes = _attributes(value.get("attributes"))
    if not any(name.startswith(_GENAI) for name in attributes):
        raise Skipped("a span of another kind")
    if str(attributes.get("gen_ai.operation.name", "chat")) not in _OPERATIONS:
        raise Skipped("another operation")
    status = _inner(value, "status")
    code = status.get("code", status.get("status_code"))
    if attributes.get("error.type") or code in {2, "ERROR", "STATUS_CODE_ERROR"}:
        raise Skipped("a failure")
    nanoseconds = amount(_number(value.get("startTimeUnixNano")))
    dated = value if nanoseconds is None else {"start_time": nanoseconds / 1e9}
    return Logged(
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
    """Return a nested object, or an empty one if it is missing."""
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
    found = (amount(_number(value.get(name))) for name in names)
    return next((int(number) for number in found if number is not None and number <= MOST), None)


def _number(said: object) -> object:
    """Convert a number that the log contains as text."""
    if not isinstance(said, str):
        return said
    try:
        return float(said)
    except ValueError:
        return None
