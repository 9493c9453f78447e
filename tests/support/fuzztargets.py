"""What the fuzzer feeds: whatever the bytes, in whatever split, a parser gives the same or says that they are bad.

A target takes bytes and raises AssertionError, or anything that is not in its contract, where it found a bug.
"""

import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from katydid.dialects import DIALECTS, dialect
from katydid.dialects.answer_parser import AnswerParser
from katydid.dialects.loading import FieldPath
from katydid.dialects.speech import SPEECH_APIS, speech_dialect
from katydid.dialects.speech.transcript import SpeechParser
from katydid.dialects.status import classify_status, retry_after
from katydid.engine.workers.messages import (
    Finished,
    MessageError,
    Ready,
    Rows,
    Setting,
    Ticket,
    Unfit,
    batch_of,
    strip_control_chars,
)
from katydid.gate.thresholds import parse_thresholds
from katydid.load.prompts.collection import collected
from katydid.load.prompts.files import READERS, unpacked
from katydid.load.traces.files import collected as traced
from katydid.load.traces.files import records
from katydid.load.traces.learning import csv_of, learned
from katydid.model.documents.base import DocumentError
from katydid.model.documents.comparison import Comparison
from katydid.model.documents.manifest import Manifest
from katydid.model.documents.summary import Summary
from katydid.model.errors import ConfigError, ProtocolError
from katydid.model.jsontext import json_bytes
from katydid.model.redact import MASK, Redactor
from katydid.protocol.http1 import ResponseReader
from katydid.protocol.ndjson import NdjsonParser
from katydid.protocol.sse import SseParser
from katydid.protocol.websocket_frames import Broken, Closed, Framing, Opened, Refused
from katydid.runs.folder import row_schemas
from katydid.workloads.session.answers import StreamedAnswer, WholeAnswer
from katydid.workloads.session.scenario import read_scenario
from katydid.workloads.session.templates import MOST_CHARACTERS, compiled
from socketserving import SWITCH, token_of

NOW = datetime(2026, 11, 21, tzinfo=UTC)
SMALL = 4096
SCHEMAS = row_schemas({})
VALUES = {
    "user": "kd-1", "index": 0, "room": "a", "session": "s", "turn": 1, "turns": 3, "text": "hello", "marker": "m",
    "history": [{"role": "user", "content": "hello"}], "model": "m", "max_tokens": 9,
}  # fmt: skip
"""Of a conversation, for templates."""


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
            made = dialect(api).stream_parser(check)
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
        made = AnswerParser(dialect(api))
        made.feed(data, 0.0)
        made.finish()
        made.verdict()


def framing(data: bytes) -> None:
    """A WebSocket says the same in any split, and ends once; the first bit tells whether it is open to begin with."""
    told = []
    for parts in ([data[1:]], pieces(data)):
        made = Framing("here:80", "/", {})
        hello = SWITCH + token_of(made.hello()) + b"\r\n\r\n"
        if not data or data[0] & 1:
            assert made.feed(hello) == [Opened()]
        heard: list[Any] = [each for part in [*parts, b""] for each in made.feed(part)]
        ends = [each for each in heard if isinstance(each, Broken | Closed | Refused)]
        assert len(ends) == 1, heard
        assert ends[0] is heard[-1], heard
        said = [Broken("") if isinstance(each, Broken) else each for each in heard]
        told.append((said, len(made.answer)))
    assert told[0] == told[1], told


def speech(data: bytes) -> None:
    """What a speech service says, a message a line, never raises; the first byte tells its API."""
    api = SPEECH_APIS[data[0] % len(SPEECH_APIS)] if data else SPEECH_APIS[0]
    made = SpeechParser(speech_dialect(api))
    for at, line in enumerate(data[1:].split(b"\n")):
        made.stopped = at > 3
        made.hear(line[1:] if line[:1] == b"b" else line[1:].decode("utf-8", "replace"), float(at))
        if made.over:
            break
    else:
        made.closed(1000 + len(data), data[:100].decode("latin-1"))
    assert made.failure is None or made.final_at is None
    assert made.partials >= 0
    assert made.first_text_at is not None or not made.text


def answers(data: bytes) -> None:
    """A session's answer is read, or said to be none, in any split."""
    read = {"text": FieldPath("choices.0.delta.content"), "id": FieldPath("id"), "count": FieldPath("n")}
    for new in (lambda: WholeAnswer(read), lambda: StreamedAnswer(read, "[DONE]")):
        told = []
        for parts in ([data[1:]], pieces(data)):
            made = new()
            for at, part in enumerate(parts):
                made.feed(part, float(at))
            made.finish()
            told.append((made.verdict(), made.text, made.field("id"), made.field("count"), made.mixed))
        assert told[0] == told[1], told


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


def prompts(data: bytes) -> None:
    """A file of prompts gives the same requests in whatever pieces, or one line that tells one of its faults."""
    read = list(READERS.values())[data[0] % len(READERS)] if data else READERS[".txt"]
    found: list[Any] = []
    refused: list[list[str]] = []
    for parts in ([data[1:]], pieces(data)):
        try:
            found.append([(json_bytes(prompt.messages), prompt.id) for prompt in collected(read(unpacked(parts)))[0]])
        except ConfigError as error:
            refused.append(str(error).splitlines())
    assert (found[1:] == found[:1] and not refused) or [len(told) for told in refused] == [1, 1], (found, refused)


def traces(data: bytes) -> None:
    """So does a trace; its requests come in order, each behind the one that it follows."""
    found: list[Any] = []
    refused: list[list[str]] = []
    for parts in ([data[1:]], pieces(data)):
        try:
            trace = traced(records(parts))
        except ConfigError as error:
            refused.append(str(error).splitlines())
            continue
        assert list(trace.due) == sorted(trace.due)
        assert all((trace.parent(number) or 0) <= number for number in range(len(trace)))
        found.append((list(trace.due), trace.inputs, trace.outputs, trace.parents, trace.shared()))
    assert (found[1:] == found[:1] and not refused) or [len(told) for told in refused] == [1, 1], (found, refused)


def logs(data: bytes) -> None:
    """A gateway's log is read without an error of its own, and what is written of it is a trace."""
    found: list[Any] = []
    for parts in ([data[1:]], pieces(data)):
        try:
            trace = learned(parts).trace
        except ConfigError as error:
            found.append(len(str(error).splitlines()))
            continue
        found.append("\n".join(csv_of(trace)))
        again = traced(records([found[-1].encode()]))
        assert (again.inputs, again.parents) == (trace.inputs, trace.parents)
    assert found[0] == found[1]
    assert found[0] == 1 or isinstance(found[0], str)


def thresholds(data: bytes) -> None:
    """A file of thresholds is read, or refused in one line."""
    try:
        parse_thresholds(_toml(data), "limits.toml")
    except ConfigError as error:
        _one_line(error)


def scenarios(data: bytes) -> None:
    """A scenario is read and filled in, or refused in one line; its values are those of a conversation."""
    try:
        scenario = read_scenario("fuzz", _toml(data), uses_model=False)
        for step in (scenario.open, scenario.message, scenario.members, scenario.history):
            if step is not None:
                step.path(VALUES)
                json_bytes(step.body(VALUES) if step.body else None)
    except (ConfigError, TypeError) as error:  # what is no JSON is told as a TypeError
        _one_line(error)


def templates(data: bytes) -> None:
    """A template gives a value of a bounded size, or is refused."""
    try:
        made = compiled(data.decode("utf-8", "replace"), "text")(VALUES)
    except ConfigError:
        return
    assert len(str(made)) <= MOST_CHARACTERS * 2


def documents(data: bytes) -> None:
    """A document of a run is one, and is written as it was read; or is refused in half a line."""
    for kind in (Manifest, Summary, Comparison):
        try:
            document = kind.parse(data)
        except DocumentError as error:
            _one_line(error)
        else:
            assert kind.parse(json_bytes(document.json)).json == document.json


def messages(data: bytes) -> None:
    """What a worker sends is one of its messages, with rows of the run's columns, or is refused."""
    try:
        sent = msgspec.msgpack.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        sent = {"kind": "samples", "batch": data}
    for kind in (Rows, Ticket, Finished, Unfit, Ready, Setting):
        try:
            told = msgspec.convert(sent, kind)
            if isinstance(told, Rows):
                assert batch_of(told, SCHEMAS).schema == SCHEMAS[told.kind]
            elif isinstance(told, Unfit):
                assert not {"\x1b", "\n"} & set(strip_control_chars(told.why))
        except (msgspec.ValidationError, MessageError):
            continue


def _one_line(error: Exception) -> None:
    assert len(str(error).splitlines()) == 1, error


def _toml(data: bytes) -> dict[str, Any]:
    """What a file of TOML holds; nothing where it is none."""
    try:
        return tomllib.loads(data.decode("utf-8", "replace"))
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}


TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target
    for target in (
        sse,
        ndjson,
        http1,
        framing,
        reading,
        whole,
        speech,
        answers,
        models,
        status,
        redact,
        prompts,
        traces,
        logs,
        thresholds,
        scenarios,
        templates,
        documents,
        messages,
    )
}
