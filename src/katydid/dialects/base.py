"""The interface of a dialect: one API's request format, and how to read its answers. Pure."""

from dataclasses import dataclass, field
from typing import Any, Protocol

from katydid.dialects.loading import load_object, shown
from katydid.dialects.status import in_words
from katydid.dialects.stream_parser import StreamParser
from katydid.dialects.usage import NOTHING_SAID, TokenDetails
from katydid.model.errors import ConfigError, ProtocolError
from katydid.model.values import whole

Message = dict[str, Any]
TEXT = "text"
"""The usual value of `Dialect.answers`."""


@dataclass(frozen=True, slots=True)
class Generation:
    """The generation parameters, the same for every request of a run."""

    model: str
    max_tokens: int = 128
    temperature: float = 0.0
    seed: int = 0
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)  # not frozen: that costs a microsecond an answer
class Answer:
    """A non-streamed answer. Numbers are what the server reported, or None.

    Attributes:
        finish_reason: why the answer ended; None if the server gives no sign that it did.
        prompt_tokens, completion_tokens: pass them as the server wrote them; anything but a count becomes None.
        other: it has reasoning or tool calls.
        failure: the server's error, even if the body also has content; anything but text becomes its JSON, or None.
        extra: values of a custom workload's columns, by name (`Sample.extra`).
        details: the server's breakdown of the token counts (cached, reasoning, …).
        indices: in an answer to a list of texts, the index (from 0) of the text that each item belongs to.
    """

    text: str
    finish_reason: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    other: bool = False
    failure: Any = None
    extra: dict[str, Any] = field(default_factory=dict)
    details: TokenDetails = NOTHING_SAID
    indices: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Make the counts and the error fit their columns."""
        self.prompt_tokens = whole(self.prompt_tokens)
        self.completion_tokens = whole(self.completion_tokens)
        self.failure = in_words(self.failure) if self.failure else None

    @property
    def has_content(self) -> bool:
        """True if the answer has text, reasoning or tool calls."""
        return bool(self.text) or self.other


class Access:
    """Authentication and model list, as in OpenAI's APIs and most others."""

    models_endpoint = "/v1/models"
    accept = "text/event-stream, application/json"
    """The header `Accept`."""

    def headers(self, api_key: str | None) -> dict[str, str]:
        """A bearer token, if there is a key."""
        return bearer_headers(self.accept, api_key)

    def parse_models(self, body: bytes) -> list[str]:
        """The ids in the member `data`."""
        try:
            return [str(model["id"]) for model in load_object(body)["data"]]
        except (KeyError, TypeError):
            raise ProtocolError("not a list of models") from None


def content_parts(message: Message) -> list[object]:
    """A message's content as a list of parts, the form that images need."""
    content = message.get("content")
    return content if isinstance(content, list) else [{"type": "text", "text": content}] if content else []


def bearer_headers(accept: str, api_key: str | None) -> dict[str, str]:
    """Headers of a JSON request, with the key as a bearer token."""
    headers = {"Content-Type": "application/json", "Accept": accept}
    return headers | {"Authorization": f"Bearer {api_key}"} if api_key else headers


def member(value: dict[str, object], key: str, data: bytes) -> dict[str, object]:
    """Return the object `value[key]`; `data` is the whole event, for the error message.

    Raises:
        ProtocolError: there is no object under that key.
    """
    found = value.get(key)
    if not isinstance(found, dict):
        raise ProtocolError(f"an event without its {key}: {shown(data)}")
    return found


def path_of(dialect: "Dialect", generation: Generation, *, stream: bool) -> str:
    """The path that a request goes to.

    Raises:
        ConfigError: a registered dialect's `path` failed.
    """
    find = getattr(dialect, "path", None)
    path = dialect.endpoint if find is None else _called(dialect, "path", generation, stream=stream)
    if not isinstance(path, str):
        raise ConfigError(f"--api {dialect.name}: its path() returned {type(path).__name__}: return a str")
    return path


def configured(dialect: "Dialect", options: object) -> "Dialect":
    """The dialect with the run's values for its options.

    Raises:
        ConfigError: the values are invalid, or a registered dialect's `configured` failed.
    """
    found: Dialect = _called(dialect, "configured", options)
    if not hasattr(found, "stream_parser"):
        raise ConfigError(f"--api {dialect.name}: its configured() returned {type(found).__name__}: return a dialect")
    return found


def _called(dialect: "Dialect", name: str, *arguments: object, **named: object) -> Any:
    try:
        return getattr(dialect, name)(*arguments, **named)
    except ConfigError:
        raise
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        raise ConfigError(f"--api {dialect.name}: its {name}() failed ({why}): fix the dialect") from error


def answers_of(dialect: "Dialect") -> str:
    """The dialect's kind of answers; see `Dialect.answers`."""
    return str(getattr(dialect, "answers", TEXT))


class Dialect(Protocol):
    """One API. To add one, write a module with such a class and a row in `DIALECTS`, or call `register`.

    Attributes:
        name: the value of `--api`.
        endpoint: the path that requests go to.
        models_endpoint: the path that lists the models.

    Optional members:
        path(generation, *, stream): the path of a request, if it depends on the model or on streaming; the manifest
            then shows `endpoint` in its place.
        meaning(name, data): the kind of an event (`dialects.event_kinds.EventKind`) and the completion tokens so far
            (or None), for `--record-events`; without it every event is `other`.
        forced(tokens): body fields (`Generation.extra`) that make an answer at least that many tokens long.
        with_images(message, images): the message with images (PNG, in base64) added to its text; None if the API
            takes no images.
        answers: `text` (the default), `vectors` or `ranking`: what the workload must be able to read. The last two
            answer a list of texts, one text per message, and are never streamed.
        kept(answer_id): body fields that make the server store its answer and continue the stored answer `answer_id`
            (`StreamParser.answer_id`); None starts a new conversation.
        options: a dataclass with the dialect's own options (`model.options.option`), and
        configured(options): the dialect with these values; it may store them and return `self`.
    """

    name: str
    endpoint: str
    models_endpoint: str

    def headers(self, api_key: str | None) -> dict[str, str]:
        """The headers of every request."""

    def body(self, messages: list[Message], generation: Generation, *, stream: bool) -> bytes:
        """The body of a request."""

    def parse_models(self, body: bytes) -> list[str]:
        """The names of the target's models, from the body of `models_endpoint`.

        Raises:
            ProtocolError: the body is not a list of models.
        """

    def stream_parser(self, check: str) -> StreamParser:
        """A parser for one streamed answer; `check` is `count` or `full`."""

    def parse_answer(self, body: bytes) -> Answer:
        """Parse the body of a non-streamed answer.

        Raises:
            ProtocolError: the body is not an answer of this API.
        """
