"""The dialect `generic-sse`: any service that streams JSON in server-sent events, described by field paths.

A path is a list of keys and indices separated by dots, as in `choices.0.delta.content`. An option may list several
paths, separated by commas; the first that exists in an event is used. The path `.` is the event's data itself, for
streams of plain text. Since the events may have any form, every one is parsed.
"""

import re
from dataclasses import dataclass

import orjson

from katydid.dialects.base import Access, Answer, Generation, Message
from katydid.dialects.loading import FieldPath, is_content, load_object, shown, text_of
from katydid.dialects.stream_parser import SseStreamParser, StreamParser
from katydid.dialects.usage import TokenDetails
from katydid.model.errors import ConfigError, ProtocolError
from katydid.model.jsontext import json_bytes
from katydid.model.options import option

WHOLE = "."
CLEAN_END = "end"

_PLACEHOLDER = re.compile(r"\{(model|prompt|messages|max_tokens|temperature|seed|stream)\}")
_BODY = '{"model": "{model}", "prompt": "{prompt}", "max_tokens": "{max_tokens}", "stream": "{stream}"}'


@dataclass(frozen=True, kw_only=True)
class Fields:
    """The options of `generic-sse`: field paths, the end mark and the request body.

    The end mark is literal data (`[DONE]`), `event:NAME`, `PATH`, `PATH=VALUE`, or `end` for a stream without one. A
    string of the body that is a single placeholder (`"{model}"`, `"{prompt}"`, `"{messages}"`, `"{max_tokens}"`,
    `"{temperature}"`, `"{seed}"`, `"{stream}"`) is replaced by the value itself, with its type.
    """

    sse_content: str = option(
        "content,text", "generic-sse: path of the text, such as choices.0.delta.content; . = all data"
    )
    sse_done: str = option("[DONE]", "generic-sse: the end mark: data, event:NAME, PATH, PATH=VALUE, or end")
    sse_error: str = option("error", "generic-sse: path of an error inside the answer")
    sse_prompt_tokens: str = option("usage.prompt_tokens", "generic-sse: path of the prompt token count")
    sse_completion_tokens: str = option("usage.completion_tokens", "generic-sse: path of the completion token count")
    sse_body: str = option(_BODY, "generic-sse: JSON body of a request, with {prompt}, {messages}, {model}, … in it")


class GenericSse(Access):
    """See `base.Dialect`.

    Raises:
        ConfigError: a field is invalid.
    """

    name = "generic-sse"
    endpoint = "/"
    accept = "text/event-stream"
    options = Fields

    def __init__(self, fields: Fields | None = None) -> None:
        fields = fields or Fields()
        self._paths = _Paths(fields)
        try:
            self._template = orjson.loads(fields.sse_body)
        except orjson.JSONDecodeError as error:
            raise ConfigError(f"--sse-body is not JSON ({error})") from None

    def configured(self, options: Fields) -> "GenericSse":
        """See `base.Dialect`."""
        return GenericSse(options)

    def body(self, messages: list[Message], generation: Generation, *, stream: bool) -> bytes:
        """The template with its placeholders replaced; the prompt is the text of the last message."""
        values = {
            "model": generation.model,
            "prompt": text_of(messages[-1].get("content")),
            "messages": messages,
            "max_tokens": generation.max_tokens,
            "temperature": generation.temperature,
            "seed": generation.seed,
            "stream": stream,
        }
        filled = _filled(self._template, values)
        return json_bytes(filled | generation.extra if isinstance(filled, dict) else filled)

    def stream_parser(self, check: str) -> StreamParser:
        """See `base.Dialect.stream_parser`."""
        return GenericStreamParser(check, self._paths)

    def parse_answer(self, body: bytes) -> Answer:
        """The text at the content path."""
        value, paths = load_object(body), self._paths
        text, error = paths.content.find(value), paths.error.find(value)
        if not isinstance(text, str) and not is_content(text):
            raise ProtocolError("no text at the content path")
        tokens = paths.prompt_tokens.find(value), paths.completion_tokens.find(value)
        details = TokenDetails.of(value.get("usage"))
        return Answer(text_of(text), "stop", *tokens, failure=error, details=details)


class GenericStreamParser(SseStreamParser):
    """One streamed answer."""

    def __init__(self, check: str, paths: "_Paths") -> None:
        super().__init__(check)
        self._paths = paths

    def event(self, name: bytes, data: bytes) -> None:
        """See `SseStreamParser.event`."""
        paths = self._paths
        if data.strip() == paths.done_data or (paths.done_event and name == paths.done_event):
            self.done = True
            return
        if paths.plain:
            self.content(data, text=data.decode("utf-8", "replace"))
            return
        value = load_object(data)
        if error := paths.error.find(value):
            self.on_error(error)
            return
        text = paths.content.find(value)
        if is_content(text):
            self.content(data, text=text)
        elif self.full and text is not None and not isinstance(text, str | list | dict):
            raise ProtocolError(f"content that is not text: {shown(data)}")
        self.usage(paths.prompt_tokens.find(value), paths.completion_tokens.find(value), value.get("usage"))
        if paths.says_done(value):
            self.done = True

    def is_end(self, data: bytes) -> bool:
        """See `SseStreamParser.is_end`."""
        return data == self._paths.done_data

    def end(self) -> None:
        """Without an end mark (`--sse-done end`), the end of the response is the end of the answer."""
        super().end()
        if self._paths.clean_end:
            self.done = True


class _Paths:
    def __init__(self, fields: Fields) -> None:
        if not fields.sse_content.strip():
            raise ConfigError("--sse-content is empty: give the path of the text, such as choices.0.delta.content")
        if not fields.sse_done.strip():
            raise ConfigError(f"--sse-done is empty: use {CLEAN_END!r} for a stream without an end mark")
        self.plain = fields.sse_content.strip() == WHOLE
        self.content = FieldPath(fields.sse_content)
        self.error = FieldPath(fields.sse_error)
        self.prompt_tokens = FieldPath(fields.sse_prompt_tokens)
        self.completion_tokens = FieldPath(fields.sse_completion_tokens)
        done = fields.sse_done.strip()
        self.clean_end = done == CLEAN_END
        self.done_event = done.removeprefix("event:").strip().encode() if done.startswith("event:") else b""
        self.done_data = done.encode()
        path, equals, wanted = done.partition("=")
        self._done, self._wanted = FieldPath(path), wanted if equals else None

    def says_done(self, value: dict[str, object]) -> bool:
        """Return True if a field of the event marks the end."""
        if self.clean_end or self.done_event:
            return False
        found = self._done.find(value)
        if self._wanted is None:
            return bool(found)
        text = found if isinstance(found, str) else json_bytes(found).decode()
        return text == self._wanted


def _filled(template: object, values: dict[str, object]) -> object:
    if isinstance(template, dict):
        return {key: _filled(value, values) for key, value in template.items()}
    if isinstance(template, list):
        return [_filled(value, values) for value in template]
    if not isinstance(template, str):
        return template
    if whole := _PLACEHOLDER.fullmatch(template):
        return values[whole[1]]
    return _PLACEHOLDER.sub(lambda found: str(values[found[1]]), template)
