"""What a refusal means, as an answer that is not 2xx or as an early close: its class, its text, when to come back."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import orjson

from katydid.model.jsontext import json_bytes
from katydid.model.sample import DETAIL_LIMIT, ErrorClass
from katydid.model.values import amount

NOT_READY = frozenset({502, 503, 504})
"""What a server, or a proxy before it, answers that is still loading its model."""
_DAILY = re.compile(r"\b(daily|per[ -]day|requests?/day|tokens?/day|RPD|TPD|24 ?h(ours?)?)\b", re.IGNORECASE)
_RATE = re.compile(r"rate.?limit|too many requests|\b429\b", re.IGNORECASE)
_OVERLOADED = re.compile(r"overloaded|over capacity|no capacity|\b(503|529)\b|service unavailable", re.IGNORECASE)
_TRY_AGAIN = re.compile(
    r"(?:try again|retry)[a-z ]* in (?:(?P<minutes>\d+)m)?"
    r"(?P<number>\d+(?:\.\d+)?) ?(?P<unit>ms|s|sec|seconds?)\b",
    re.IGNORECASE,
)


def classify_status(status: int, headers: Mapping[str, str], body: bytes) -> tuple[ErrorClass, str]:
    """The failure that a status outside 2xx is, with the server's own words."""
    text = error_text(body) or headers.get("x-error", "")
    detail = f"{status} {text}".strip()
    if status == 429:
        return (ErrorClass.DAILY_LIMIT if _DAILY.search(text) else ErrorClass.RATE_LIMITED), detail
    if status in {503, 529}:
        return ErrorClass.OVERLOADED, detail
    return (ErrorClass.HTTP_5XX if status >= 500 else ErrorClass.HTTP_4XX), detail


def classify_text(text: str) -> ErrorClass | None:
    """The failure that an error inside a 200 names; None where it is none of the usual ones."""
    if _RATE.search(text):
        return ErrorClass.DAILY_LIMIT if _DAILY.search(text) else ErrorClass.RATE_LIMITED
    return ErrorClass.OVERLOADED if _OVERLOADED.search(text) else None


_FAILED = frozenset({
    "abort", "aborted", "cancelled", "canceled", "error", "failed", "insufficient_system_resource", "internal_error",
    "network_error",
})  # fmt: skip
"""Reasons to end, and states of a response, by which a server says that it could not go on."""


def failed_reason(reason: object, what: str = "finish_reason") -> str | None:
    """What a failure is called that only the reason of the end tells; None where it was no failure.

    Args:
        reason: as the server wrote it.
        what: the member that it stood in.
    """
    known = isinstance(reason, str) and reason.lower() in _FAILED
    return f"the server ended its answer with {what} {reason!r}" if known else None


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
    """An error as the server wrote it: its text, or its JSON; the message first, where that is too long to keep."""
    if isinstance(error, str):
        return error
    try:
        text = json_bytes(error).decode()
    except orjson.JSONEncodeError:  # more levels or digits than it writes
        return "an error that is too deep to be shown"
    message = error.get("message") if isinstance(error, dict) else None
    return f"{message} {text}" if isinstance(message, str) and len(text) > DETAIL_LIMIT else text


def retry_after(headers: Mapping[str, str], body: bytes, now: datetime) -> float | None:
    """Seconds that the server asks us to wait, from wherever it says so; the most exact source first."""
    for name, unit in (("retry-after-ms", 0.001), ("llm_provider-retry-after", 1.0), ("retry-after", 1.0)):
        if (seconds := _number(headers.get(name, ""))) is not None:
            return seconds * unit
    if found := _TRY_AGAIN.search(error_text(body)):
        unit = 0.001 if found["unit"].lower() == "ms" else 1.0
        return amount(float(found["minutes"] or 0) * 60.0 + float(found["number"]) * unit)
    try:
        when = parsedate_to_datetime(headers.get("retry-after", ""))
        if when.tzinfo is None:  # no zone, or -0000, which says that nobody knows it
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


_CLOSE_CLASSES = {
    1000: ErrorClass.TRUNCATED,
    1001: ErrorClass.TRUNCATED,
    1005: ErrorClass.TRUNCATED,
    1006: ErrorClass.TRUNCATED,
    1012: ErrorClass.OVERLOADED,
    1013: ErrorClass.OVERLOADED,
    1014: ErrorClass.OVERLOADED,
    4429: ErrorClass.RATE_LIMITED,
}
_CLOSE_NAMES = {
    1000: "normally",
    1001: "since it is going away",
    1002: "for a protocol error",
    1003: "for data that it does not take",
    1005: "without a reason",
    1006: "without a close frame",
    1007: "for data that is not what it says",
    1008: "for its policy",
    1009: "for a message that is too big",
    1011: "for an error of its own",
    1012: "since it restarts",
    1013: "since it is overloaded",
    1014: "for a bad gateway",
}
"""RFC 6455, 7.4.1, and IANA's registry of close codes."""


def classify_close(code: int, reason: str) -> tuple[ErrorClass, str]:
    """The failure that an early close with this code is."""
    error = _CLOSE_CLASSES.get(code, ErrorClass.SERVER_ERROR_EVENT)
    name = _CLOSE_NAMES.get(code, "for a reason of its own")
    said = f": {reason}" if reason else ""
    return error, f"the target closed {name} ({code}) before its final result{said}"
