"""What a dialect is: the shape of one API's requests, and the meaning of its answers. Pure."""

from dataclasses import dataclass, field
from typing import Any, Protocol

from katydid.dialects.loading import load_object
from katydid.dialects.stream_parser import StreamParser
from katydid.dialects.usage import NOTHING_SAID, TokenDetails
from katydid.model.errors import ConfigError, ProtocolError
from katydid.model.values import whole

Message = dict[str, Any]
TEXT = "text"
"""What the answers of most APIs are."""


@dataclass(frozen=True, slots=True)
class Generation:
    """What every request of a run asks of the model."""

    model: str
    max_tokens: int = 128
    temperature: float = 0.0
    seed: int = 0
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)  # not frozen: that costs a microsecond an answer
class Answer:
    """A whole, non-streamed answer; numbers only where the server said them.

    Attributes:
        finish_reason: why it ended; None where the server does not say that it did.
        prompt_tokens, completion_tokens: given as the server wrote them; what is not a count is None.
        other: it has reasoning or tool calls.
        failure: what the server says went wrong, in its words, however much of an answer stands beside it.
        extra: columns of a workload of one's own, by name (`Sample.extra`).
        details: what the server says of the tokens beside how many they are.
        indices: of an answer to a list of texts, which of them each of its items belongs to, from 0.
    """

    text: str
    finish_reason: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    other: bool = False
    failure: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    details: TokenDetails = NOTHING_SAID
    indices: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Whatever a server writes for a count, a column must hold it."""
        self.prompt_tokens = whole(self.prompt_tokens)
        self.completion_tokens = whole(self.completion_tokens)

    @property
    def has_content(self) -> bool:
        """Whether there is anything in it."""
        return bool(self.text) or self.other


class OpenAiAccess:
    """How OpenAI's APIs are reached, and their models listed."""

    models_endpoint = "/v1/models"

    def headers(self, api_key: str | None) -> dict[str, str]:
        """A bearer token, where there is a key."""
        return bearer_headers("text/event-stream, application/json", api_key)

    def parse_models(self, body: bytes) -> list[str]:
        """The ids in `data`."""
        return parse_model_ids(body)


def content_parts(message: Message) -> list[object]:
    """A message's content as a list of parts, as it is where it has images."""
    content = message.get("content")
    return content if isinstance(content, list) else [{"type": "text", "text": content}] if content else []


def bearer_headers(accept: str, api_key: str | None) -> dict[str, str]:
    """Headers of a JSON request, with the key as most APIs take it."""
    headers = {"Content-Type": "application/json", "Accept": accept}
    return headers | {"Authorization": f"Bearer {api_key}"} if api_key else headers


def parse_model_ids(body: bytes) -> list[str]:
    """The ids in `data`, as OpenAI lists models and most others do after it.

    Raises:
        ProtocolError: the body is not such a list.
    """
    try:
        return [str(model["id"]) for model in load_object(body)["data"]]
    except (KeyError, TypeError):
        raise ProtocolError("not a list of models") from None


def member(value: dict[str, object], key: str, data: bytes) -> dict[str, object]:
    """The object of that name inside an event; `data` is the event, for the message.

    Raises:
        ProtocolError: there is none of that name.
    """
    found = value.get(key)
    if not isinstance(found, dict):
        raise ProtocolError(f"an event without its {key}: {data[:160].decode('utf-8', 'replace')}")
    return found


def path_of(dialect: "Dialect", generation: Generation, *, stream: bool) -> str:
    """The path that a request goes to.

    Raises:
        ConfigError: the dialect of somebody else's cannot say it.
    """
    find = getattr(dialect, "path", None)
    if find is None:
        return dialect.endpoint
    try:
        path = find(generation, stream=stream)
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        raise ConfigError(f"--api {dialect.name}: its path() failed ({why}): correct it") from error
    if not isinstance(path, str):
        raise ConfigError(f"--api {dialect.name}: its path() gave {type(path).__name__}: return the path as text")
    return path


def configured(dialect: "Dialect", options: object) -> "Dialect":
    """The dialect with what a run gives for its options.

    Raises:
        ConfigError: the dialect of somebody else's takes them badly.
    """
    try:
        found: Dialect = dialect.configured(options)  # type: ignore[attr-defined]  # only some have it
    except ConfigError:
        raise
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        raise ConfigError(f"--api {dialect.name}: its configured() failed ({why}): correct it") from error
    if not hasattr(found, "stream_parser"):
        raise ConfigError(f"--api {dialect.name}: its configured() gave {type(found).__name__}: return a dialect")
    return found


def answers_of(dialect: "Dialect") -> str:
    """What its answers are; see `Dialect`."""
    return str(getattr(dialect, "answers", TEXT))


class Dialect(Protocol):
    """One API. A new one is a module with such a class, and a row in `DIALECTS`; from elsewhere, `register` adds it.

    Attributes:
        name: what `--api` calls it.
        endpoint: the path that requests go to.
        models_endpoint: the path that lists the models.

    What only some have:
        path(generation, *, stream): the path of a request, where it depends on the model or on whether the answer is
            streamed; `endpoint` then is how such paths are called in the manifest.
        meaning(name, data): what an event of a streamed answer brings (`dialects.event_kinds.EventKind`), for
            `--record-events`; without it all are `other`.
        forced(tokens): fields of a body (`Generation.extra`) that make an answer at least so many tokens long.
        with_images(message, images): a message with images (PNG, in base64) beside its text; None for an API whose
            requests have none.
        answers: `text` (as where it is not said), `vectors` or `ranking`: what a workload must be able to read. The
            last two are answers to a list of texts, one a message, and never streamed.
        kept(answer_id): fields of a body whose answer the server is to keep, and that goes on from one that it has kept
            (`StreamParser.answer_id`), or begins where that is None.
        options: a dataclass of options of its own (`model.options.option`), and
        configured(options): the dialect with their values; it may be `self` where it has kept them.
    """

    name: str
    endpoint: str
    models_endpoint: str

    def headers(self, api_key: str | None) -> dict[str, str]:
        """The headers of every request."""

    def body(self, messages: list[Message], generation: Generation, *, stream: bool) -> bytes:
        """The body of a request."""

    def parse_models(self, body: bytes) -> list[str]:
        """The names of the models that the target lists.

        Raises:
            ProtocolError: the body is not such a list.
        """

    def stream_parser(self, check: str) -> StreamParser:
        """A reader for one streamed answer; `check` is `count` or `full`."""

    def parse_answer(self, body: bytes) -> Answer:
        """A non-streamed answer.

        Raises:
            ProtocolError: the body is not one.
        """
