"""Classify errors of the target: status codes, error texts and WebSocket closes; read when to retry."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import orjson

from katydid.model.jsontext import json_bytes
from katydid.model.sample import DETAIL_LIMIT, ErrorClass
from katydid.model.values import amount

NOT_READY = frozenset({502, 503, 504})
"""Statuses of a server that is still loading its model, or of a proxy in front of it."""
_DAILY = re.compile(r"\b(daily|per[ -]day|requests?/day|tokens?/day|RPD|TPD|24 ?h(ours?)?)\b", re.IGNORECASE)
_RATE = re.compile(r"rate.?limit|too many requests|\b429\b", re.IGNORECASE)
_OVERLOADED = re.compile(r"overloaded|over capacity|no capacity|\b(503|529)\b|service unavailable", re.IGNORECASE)
_TRY_AGAIN = re.compile(
    r"(?:try again|retry)[a-z ]* in (?:(?P<minutes>\d+)m)?"
    r"(?P<number>\d+(?:\.\d+)?) ?(?P<unit>ms|s|sec|seconds?)\b",
    re.IGNORECASE,
)


def classify_status(status: int, headers: Mapping[str, str], body: bytes) -> tuple[ErrorClass, str]:
    """The error class of a status outside 2xx, and a detail: the status and the server's message."""
    text = error_text(body) or headers.get("x-error", "")
    detail = f"{status} {text}".strip()
    if status == 429:
        return (ErrorClass.DAILY_LIMIT if _DAILY.search(text) else ErrorClass.RATE_LIMITED), detail
    if status in {503, 529}:
        return ErrorClass.OVERLOADED, detail
    return (ErrorClass.HTTP_5XX if status >= 500 else ErrorClass.HTTP_4XX), detail


def classify_text(text: str) -> ErrorClass | None:
    """The error class of an error message inside a 200 response; None if its text matches no class."""
    if _RATE.search(text):
        return ErrorClass.DAILY_LIMIT if _DAILY.search(text) else ErrorClass.RATE_LIMITED
    return ErrorClass.OVERLOADED if _OVERLOADED.search(text) else None


_FAILED = frozenset({
    "abort", "aborted", "cancelled", "canceled", "error", "failed", "insufficient_system_resource", "internal_error",
    "network_error",
})  # fmt: skip
"""Finish reasons and response states that mean the server failed."""


def failed_reason(reason: object, what: str = "finish_reason") -> str | None:
    """The error message for a finish reason that means failure; None for any other reason.

    Args:
        reason: the value that the server sent.
        what: the name of its member.
    """
    known = isinstance(reason, str) and reason.lower() in _FAILED
    return f"the target ended its answer with {what} {reason!r}" if known else None


def error_text(body: bytes) -> str:
    """The message in an error body: OpenAI's, Ollama's, Anthropic's, FastAPI's, or plain text."""
    try:
        value: object = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body.decode("utf-8", "replace").strip()
    for key in ("error", "detail", "message"):
        if isinstance(value, dict) and value.get(key):
            value = value[key]
    return in_words(value)


def in_words(error: object) -> str:
    """An error as text: itself, or its JSON; if the JSON is too long to keep, the error's message comes first."""
    if isinstance(error, str):
        return error
    try:
        text = json_bytes(error).decode()
    except orjson.JSONEncodeError:  # more levels or digits than orjson can write
        return "an error that cannot be shown: it is nested too deeply, or has too long a number"
    message = error.get("message") if isinstance(error, dict) else None
    return f"{message} {text}" if isinstance(message, str) and len(text) > DETAIL_LIMIT else text


def retry_after(headers: Mapping[str, str], body: bytes, now: datetime) -> float | None:
    """Seconds to wait before a retry, from the headers or the error text, most exact source first; None if unknown."""
    for name, unit in (("retry-after-ms", 0.001), ("llm_provider-retry-after", 1.0), ("retry-after", 1.0)):
        if (seconds := _number(headers.get(name, ""))) is not None:
            return seconds * unit
    if found := _TRY_AGAIN.search(error_text(body)):
        unit = 0.001 if found["unit"].lower() == "ms" else 1.0
        return amount(float(found["minutes"] or 0) * 60.0 + float(found["number"]) * unit)
    try:
        when = parsedate_to_datetime(headers.get("retry-after", ""))
        if when.tzinfo is None:  # no zone, or -0000, which means that it is unknown
            when = when.replace(tzinfo=UTC)
        return max(0.0, (when - now).total_seconds())
    except (ValueError, OverflowError):
        return None


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return amount(value)


_OWN_CODE = "with a code of its own"
_CLOSES = {
    1000: ("normally", ErrorClass.TRUNCATED),
    1001: ("because it is going away", ErrorClass.TRUNCATED),
    1002: ("after a protocol error", ErrorClass.SERVER_ERROR_EVENT),
    1003: ("because of unsupported data", ErrorClass.SERVER_ERROR_EVENT),
    1005: ("without a status code", ErrorClass.TRUNCATED),
    1006: ("without a close frame", ErrorClass.TRUNCATED),
    1007: ("because of invalid data", ErrorClass.SERVER_ERROR_EVENT),
    1008: ("because of its policy", ErrorClass.SERVER_ERROR_EVENT),
    1009: ("because a message is too big", ErrorClass.SERVER_ERROR_EVENT),
    1011: ("after an internal error", ErrorClass.SERVER_ERROR_EVENT),
    1012: ("because it is restarting", ErrorClass.OVERLOADED),
    1013: ("because it is overloaded", ErrorClass.OVERLOADED),
    1014: ("because of a bad gateway", ErrorClass.OVERLOADED),
    4429: (_OWN_CODE, ErrorClass.RATE_LIMITED),
}
"""RFC 6455, 7.4.1, and IANA's registry of close codes."""


def classify_close(code: int, reason: str) -> tuple[ErrorClass, str]:
    """The error class and detail of a close before the final result."""
    how, error = _CLOSES.get(code, (_OWN_CODE, ErrorClass.SERVER_ERROR_EVENT))
    why = f": {reason}" if reason else ""
    return error, f"the target closed {how} ({code}) before its final result{why}"
