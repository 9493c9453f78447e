"""What the fuzzer feeds: whatever the bytes, in whatever split, a parser gives the same or says that they are bad.

A target takes bytes and raises AssertionError, or anything that is not in its contract, where it found a bug.
Uses only what is pure, so that it also runs where Locust is not installed.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from katydid.core.errors import ProtocolError
from katydid.core.http1 import ResponseReader
from katydid.core.ndjson import NdjsonParser
from katydid.core.redact import MASK, Redactor
from katydid.core.sse import SseParser
from katydid.dialects import DIALECTS, dialect
from katydid.dialects.status import classify_status, retry_after
from katydid.dialects.whole import WholeReading

NOW = datetime(2026, 11, 21, tzinfo=UTC)
SMALL = 4096


def pieces(data: bytes) -> list[bytes]:
    """The data, cut where its first byte says."""
    step = data[0] % 61 + 1 if data else 1
    return [data[i : i + step] for i in range(1, len(data), step)]


def _told(feed: Callable[[bytes], Any], parts: list[bytes]) -> tuple[list[Any], bool]:
    """What came out, and whether it ended in a complaint."""
    out: list[Any] = []
    try:
        for part in parts:
            out += feed(part)
    except ProtocolError:
        return out, True
    return out, False


def sse(data: bytes) -> None:
    """Events do not depend on the split."""
    assert _told(SseParser(SMALL).feed, [data[1:]]) == _told(SseParser(SMALL).feed, pieces(data)) or len(data) > SMALL


def ndjson(data: bytes) -> None:
    """Nor do lines."""
    parsers = NdjsonParser(SMALL), NdjsonParser(SMALL)
    whole, split = _told(parsers[0].feed, [data[1:]]), _told(parsers[1].feed, pieces(data))
    assert (whole == split and parsers[0].close() == parsers[1].close()) or len(data) > SMALL


def http1(data: bytes) -> None:
    """A response's status, headers and body do not depend on the split; what breaks it is said."""
    found = []
    for parts in ([data[1:]], pieces(data)):
        reader = ResponseReader()
        body, bad = b"", False
        try:
            for part in parts:
                body += reader.feed(part)
            reader.eof()
        except ProtocolError:
            bad = True
        found.append(bad or (reader.status, reader.headers, reader.complete, body, reader.leftover))
    assert found[0] == found[1], found


def reading(data: bytes) -> None:
    """A dialect's reading never raises, and says the same in any split.

    Counting alone (`count`) takes an event for content by its shape, and so may count one that is broken in
    the middle; there only what holds of any reading is asked.
    """
    names = sorted(DIALECTS)
    api = names[data[0] % len(names)] if data else names[0]
    for check in ("count", "full"):
        told = []
        for parts in ([data[1:]], pieces(data)):
            made = dialect(api).reading(check)
            for at, part in enumerate(parts):
                made.feed(part, float(at))
            made.finish()
            verdict = made.verdict()
            told.append((made.chunks, made.done, made.completion_tokens, verdict and verdict[0]))
            assert len(made.gaps) == max(0, made.chunks - 1)
            assert (made.first_at is None) == (made.chunks == 0)
        assert check == "count" or told[0] == told[1], (api, told)


def whole(data: bytes) -> None:
    """An answer in one piece never raises."""
    for api in DIALECTS:
        made = WholeReading(dialect(api))
        made.feed(data, 0.0)
        made.finish()
        made.verdict()


def models(data: bytes) -> None:
    """A list of models is one, or is said not to be."""
    for api in DIALECTS:
        try:
            names = dialect(api).parse_models(data)
        except ProtocolError:
            continue
        assert all(isinstance(name, str) for name in names)


def status(data: bytes) -> None:
    """A refusal has a class, a text, and perhaps a time."""
    head, _, body = data.partition(b"\n")
    headers = {"retry-after": head.decode("latin-1"), "x-error": head.decode("latin-1")}
    for code in (400, 429, 500, 503):
        kind, text = classify_status(code, headers, body)
        assert kind
        assert text.startswith(str(code))
    seconds = retry_after(headers, body, NOW)
    assert seconds is None or seconds >= 0


def redact(data: bytes) -> None:
    """No secret, and no command of a terminal, comes out; a secret is whatever comes first."""
    secret, _, text = data.decode("utf-8", "replace").partition("\n")
    out = Redactor([secret]).text(text)
    assert len(out) <= 200
    assert not {"\x1b", "\n", "\r", "\x07"} & set(out)
    if len(secret) >= 4 and secret.isprintable() and not set(secret) & set(MASK):
        assert secret not in out


TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target for target in (sse, ndjson, http1, reading, whole, models, status, redact)
}
