"""The service of all workloads that talk to a model: a dialect, a client, and the prompts."""

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import ClassVar, Generic, TypeVar

from katydid.dialects import dialect_answering
from katydid.dialects.answer_parser import AnswerParser
from katydid.dialects.base import TEXT, Generation, Message
from katydid.dialects.loading import load_object
from katydid.dialects.stream_parser import StreamParser
from katydid.engine.options import RunOptions
from katydid.engine.sender.identity import Identity, KeyedClient
from katydid.engine.services.making import counted_tokens
from katydid.engine.services.paths import Paths, checked_path
from katydid.engine.services.preflight import HEADER, MOST_TOKENS, choose_model, look, try_requests
from katydid.engine.services.questions import LOOK_TURN, Questions
from katydid.load.body import Adaptation, body_fields, fields_without_secrets, read_mix, secret_values
from katydid.load.made.prompts import Plan
from katydid.model.errors import ConfigError, ProtocolError
from katydid.model.jsontext import json_bytes
from katydid.model.redact import hide_query
from katydid.model.sample import Sample
from katydid.protocol.target_url import read_target_url
from katydid.transport import open_client
from katydid.transport.exchange import Exchange, Request, Timeouts, TimestampSource

MOST_KEPT = 16 * 2**20
"""Maximum bytes of request bodies that are kept for reuse."""

Options_co = TypeVar("Options_co", bound=RunOptions, covariant=True)


class ChatService(Generic[Options_co]):
    """A service (`base.Service`) that talks to a model.

    Attributes:
        options: the run's options.
        host: URL of the target for display.
        dialect: the target's API.
        key: the API key.
        client: sends the requests.
        model: the model that requests ask for; the first one of a mix.
        streams: this workload asks for streamed answers.
        asks: it sends the dialect's requests, so that preflight can try one.
        makes: its requests come from `--prompts`, so that their lengths may be drawn instead.
        system_prompts: `--shared-prefix` becomes a separate system message.
        one_by_one: its requests are independent, so that each may have images and its own model.
        reads: the kinds of answers (`Dialect.answers`) that it can read.
        questions: the content of its requests.
        adaptation: how requests are adapted to the target; set by `preflight` or `adapt`.
        credentials: the headers of its requests.
        note: preflight's note for the user; empty if there is nothing to say.
    """

    streams = True
    asks = True
    makes = True
    one_by_one = True
    system_prompts = False
    reads: ClassVar[Collection[str]] = (TEXT,)
    questions_class: ClassVar[Callable[..., Questions]] = Questions

    def __init__(self, options: Options_co, host: str) -> None:
        self.dialect = dialect_answering(self.reads, options.api, options.dialect_options)
        self.options = options
        url = read_target_url(host)
        self._paths = Paths(self.dialect, url.path, self.own_path())
        self._name = self._paths.endpoint.partition("?")[0]
        self.host = url._replace(path=self._paths.base).url
        self._identity = Identity(options, url, self.dialect.headers, options.api)
        self.key, self.note = self._identity.key, self._identity.note
        self.questions = self.questions_class(options, self._made, apart=self.system_prompts)
        self.making = self.questions.making
        self._mix = read_mix(options.model or "")
        self.model = self._mix.models[0]
        self._check()
        self._fields = body_fields(options.body)
        if not self._identity.trusted:
            self._fields = fields_without_secrets(self._fields)
        self.adaptation = Adaptation()
        self.credentials = self._identity.credentials
        timeouts = Timeouts(options.request_timeout, options.idle_timeout)
        self.client = KeyedClient(open_client(options.client, self.host, timeouts, options.tls), self.credentials)
        self._bodies: dict[tuple[int, str], bytes] = {}
        self._kept = 0
        self._fewest_chunks = min(options.min_chunks, options.max_tokens)

    def _check(self) -> None:
        """Raise a ConfigError if this workload cannot send the requests that the options ask for."""
        options, alone = self.options, self.makes and self.one_by_one
        if self.making.active and not self.makes:
            raise ConfigError(
                "--input-tokens, --output-tokens, --images: this workload has its own requests: leave them out"
            )
        if self.making.images and not (alone and getattr(self.dialect, "with_images", None)):
            raise ConfigError(f"--images: this workload sends no images with --api {self.dialect.name}: leave it out")
        if self._mix.is_mixed and not alone:
            raise ConfigError("--model: this workload uses a single model: name only one")
        if options.leaving and options.leaving.chunks and not self.streams:
            raise ConfigError(
                f"--abandon {options.abandon}: non-streamed answers have no chunks: give a time, such as 10%@2s"
            )

    @property
    def timestamp_source(self) -> TimestampSource:
        """The source of the client's receive times."""
        return self.client.timestamp_source

    @property
    def name(self) -> str:
        """The name of the requests in tables: their path without its query."""
        return self._name

    def preflight(self) -> str:
        """See `Service.preflight`."""
        options, patient = self.options, self.options.wait_ready > 0
        if options.preflight == "off":
            if options.model is None:
                raise ConfigError("--preflight off: the target's models are unknown: name one with --model")
            if patient:
                raise ConfigError("--preflight off: --wait-ready needs the preflight check: leave one of them out")
            model = options.model
        else:
            found = [
                choose_model(
                    self.client, self.dialect, self.host, wanted, self.credentials.headers,
                    path=self._paths.models, patient=patient,
                )
                for wanted in (self._mix.models if options.model else (None,))
            ]  # fmt: skip
            model = options.model or found[0][0]
            self.note = "; ".join(filter(None, (self._identity.note, *(note for _, note in found))))
        self.begin(model)
        if options.preflight == "request" and self.asks:
            own = frozenset(field.path[0] for field in self._fields)
            self.adaptation, self.note = try_requests(
                self._mix.models, self._send_look, self._look_body,
                host=self.host, own=own, note=self.note, patient=patient,
            )  # fmt: skip
        if self.making.makes_prompts:
            count = self._count_said if options.preflight == "request" else None
            self.note = "; ".join(filter(None, (self.note, self.making.calibrate(count))))
        self.note = "; ".join(filter(None, (self.questions.told, self.note)))
        return model

    def adapt(self, found: dict[str, object] | None) -> None:
        """See `Service.adapt`; called before `begin`."""
        self.adaptation = Adaptation.from_dict(found)

    def share(self, process: int, processes: int) -> None:
        """This is process number `process` (from 0) of several that send requests."""
        self.questions.draw.share(process, processes)

    @property
    def calibration(self) -> dict[str, object] | None:
        """The target's token calibration, for the run's other processes; None if no prompts are generated."""
        return dict(self.making.prompts.facts()) if self.making.makes_prompts else None

    def calibrate(self, found: dict[str, object]) -> None:
        """See `Service.calibrate`."""
        self.making.use(found)

    def look(self, body: bytes) -> tuple[Exchange, bytes]:
        """Send a preflight request, marked by a header; return its exchange, and the body if it succeeded."""
        request = self.post(body, "preflight")
        return look(self.client, replace(request, headers=(*request.headers, (HEADER, "1"))))

    def _send_look(self, body: bytes) -> Exchange:
        return self.look(body)[0]

    def _look_body(self, model: str, adaptation: Adaptation) -> bytes:
        self.adaptation = adaptation
        return self.short_body(self.questions.look(), model=model)

    def short_body(
        self, messages: list[Message], extra: dict[str, object] | None = None, model: str | None = None
    ) -> bytes:
        """The body of a preflight request for a short answer; `extra` is added to its fields."""
        most = min(self.options.max_tokens, MOST_TOKENS)
        short = replace(self.generation(self._forced(1) | (extra or {}), model), max_tokens=most)
        messages = self.questions.illustrated(self.dialect, messages, LOOK_TURN)
        return self.changed(self.dialect.body(messages, short, stream=self.streams))

    def count_tokens(self, messages: list[Message]) -> int | None:
        """Send a probe before the load; return the target's count of its prompt tokens."""
        exchange, body = self.look(self.short_body(messages))
        return counted_tokens(self.dialect, exchange, body)

    def _count_said(self, text: str) -> int | None:
        return self.count_tokens(self.questions.said(text))

    def _forced(self, tokens: int) -> dict[str, object]:
        """Body fields that force an answer's length, if output lengths are drawn and the API has such fields."""
        force = getattr(self.dialect, "forced", None)
        found: dict[str, object] = force(tokens) if force and self.making.sets_outputs else {}
        return found

    def own_path(self) -> str | None:
        """The path of `--endpoint`; None for the API's own.

        Raises:
            ConfigError: it is not a valid path.
        """
        return None if self.options.endpoint is None else checked_path("--endpoint", self.options.endpoint)

    def begin(self, model: str) -> None:
        """See `Service.begin`."""
        self._mix = read_mix(model)
        self.model = self._mix.models[0]
        self._bodies, self._kept = {}, 0
        self._paths.known = {}
        for each in self._mix.models:
            self._paths.find(self.generation(model=each), stream=self.streams)
        self._name = self._paths.known[self.streams, self.model].partition("?")[0]

    def request(self, *, user: int, iteration: int, request_id: str, stream: bool) -> Request:
        """The request of a user's iteration."""
        turn = user, iteration
        entry = None if self.making.active else self.questions.index(turn)
        model = self.model_of(user, iteration)
        return self.post(self._body(turn, entry, model, stream=stream), request_id, stream=stream, model=model)

    def request_for(self, sample: Sample, draw: tuple[int, int], *, stream: bool) -> Request:
        """The request of a sample, drawn for the (user, iteration) of `draw`; records its content in the sample."""
        entry = self.questions.describe(sample, draw)
        sample.model = model = self.model_of(*draw) if self._mix.is_mixed else self.model
        body = self._body(draw, entry, model, stream=stream)
        return self.post(body, sample.request_id, stream=stream, model=model)

    def answer_parser(self) -> AnswerParser:
        """A parser for one non-streamed answer."""
        return AnswerParser(self.dialect)

    def stream_parser(self, sample: Sample, draw: tuple[int, int]) -> StreamParser:
        """A parser for the streamed answer to a request of `request_for`; a short answer may have few chunks."""
        questions = self.questions
        parser = self.dialect.stream_parser(self.options.check)
        parser.fewest_chunks = self._fewest_chunks
        if questions.plain:
            return parser
        if (limit := questions.longest_answer(sample, draw)) is not None:
            parser.fewest_chunks = min(self.options.min_chunks, limit)
        if questions.talks.keeps(draw[1]):
            parser.keep_text()
        return parser

    def ended(self, sample: Sample, draw: tuple[int, int], text: str = "") -> None:
        """A request of `request_for` has ended with an answer of this text, and will not be retried."""
        self.questions.ended(sample, draw, text)

    def goes_on(self, number: int) -> bool:
        """Return True if more requests may follow request `number` of the trace, which has ended."""
        return self.questions.talks.goes_on(number)

    def _made(self, user: int, iteration: int, plan: Plan) -> bytes:
        """The body of a request whose length is drawn."""
        turn = user, iteration
        messages = self.questions.illustrated(self.dialect, self.questions.made(turn, plan), turn)
        generation = self.generation(self._forced(plan.output_tokens or 0), self.model_of(user, iteration))
        limit = plan.output_tokens
        if limit is None and not self.making.makes_prompts:
            limit = self.questions.limit(self.questions.index(turn))
        if limit is not None:
            generation = replace(generation, max_tokens=limit)
        return self.changed(self.dialect.body(messages, generation, stream=self.streams))

    def post(self, body: bytes, request_id: str, *, stream: bool | None = None, model: str | None = None) -> Request:
        """A request with a given body; `stream` and `model` override the workload's own."""
        streamed, asked = self.streams if stream is None else stream, model or self.model
        if (path := self._paths.known.get((streamed, asked))) is None:
            path = self._paths.find(self.generation(model=asked), stream=streamed)
        return Request("POST", path, self.credentials.headers, body, request_id)

    def model_of(self, user: int, iteration: int) -> str:
        """The model that a user's iteration asks for."""
        return self._mix.model(self.options.seed, user, iteration)

    def generation(self, extra: dict[str, object] | None = None, model: str | None = None) -> Generation:
        """The generation parameters; `extra` is added to the body's fields."""
        options = self.options
        return Generation(model or self.model, options.max_tokens, options.temperature, options.seed, extra or {})

    def _body(self, turn: tuple[int, int], entry: int | None, model: str, *, stream: bool) -> bytes:
        """The body of a request; up to MOST_KEPT bytes of them are kept for reuse.

        Args:
            turn: the (user, iteration) that it is drawn for.
            entry: the index of its prompt; None if the body is made ahead of time.
            model: the model that it asks for.
            stream: it asks for a streamed answer.
        """
        if entry is None:
            return self.making.take(*turn).body
        if (kept := self._bodies.get((entry, model))) is not None:
            return kept
        generation = self.generation(model=model)
        if (limit := self.questions.limit(entry)) is not None:
            generation = replace(generation, max_tokens=limit)
        body = self.changed(self.dialect.body(self.questions.messages(entry), generation, stream=stream))
        if self._kept + len(body) <= MOST_KEPT:
            self._bodies[entry, model] = body
            self._kept += len(body)
        return body

    def body(self, messages: list[Message], extra: dict[str, object] | None = None, *, stream: bool) -> bytes:
        """The body of a request with these messages; `extra` is added to its fields."""
        return self.changed(self.dialect.body(messages, self.generation(extra), stream=stream))

    def changed(self, body: bytes) -> bytes:
        """Adapt a body to the target, and add the fields of `--body`.

        Raises:
            ConfigError: the body is not a JSON object, or a field's path leads through a value that is not an object.
        """
        if not self._fields and not self.adaptation:
            return body
        try:
            request = load_object(body)
        except ProtocolError:
            raise ConfigError(f"--body: the request of --api {self.dialect.name} is not a JSON object") from None
        self.adaptation.change(request)
        for each in self._fields:
            each.put_into(request)
        return json_bytes(request)

    def secrets(self) -> list[str]:
        """See `Service.secrets`."""
        named = (*self._identity.secrets, *secret_values(self._fields), *self._paths.secrets)
        return [secret for secret in named if secret]

    def facts(self) -> dict[str, object]:
        """See `Service.facts`."""
        return {
            "host": self.host,
            "api": self.dialect.name,
            "endpoint": hide_query(self._paths.endpoint),
            **({"models": self._mix.shares} if self._mix.is_mixed else {}),
            **self.questions.facts(),
        }

    @property
    def open_connections(self) -> int:
        """See `Service.open_connections`."""
        return self.client.open_connections

    def close(self) -> None:
        """See `Service.close`."""
        self.client.close()
