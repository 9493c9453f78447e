"""The service of conversations: requests that carry the history, or the id of the last answer."""

from dataclasses import dataclass, replace

from katydid.dialects.base import Generation, Message
from katydid.dialects.loading import load_object
from katydid.dialects.stream_parser import StreamParser
from katydid.engine.sender.headers import check_name
from katydid.engine.services.chat import ChatService
from katydid.engine.services.making import STREAMS
from katydid.engine.services.preflight import answer_words
from katydid.engine.services.questions import one_message
from katydid.load.conversation import History, Keeper, Rhythm, place_of
from katydid.load.made.prompts import Plan
from katydid.model.errors import ConfigError
from katydid.model.sample import Sample
from katydid.transport.exchange import Exchange, Request
from katydid.workloads.chat import ChatOptions

_SYSTEM = frozenset({"system", "developer"})
"""Roles of messages that are sent once per conversation."""
_SAID_BEFORE = "said-before"
SUCCESS, BAD_REQUEST = 200, 400
_FRAME_WORDS = 24
"""Words per message in the probes that count the chat template's tokens."""


@dataclass(slots=True)
class Conversation:
    """The state of one conversation.

    Attributes:
        id: the value of `--session-header`.
        user, iteration: the key from which its turns are drawn.
        turns: planned number of turns.
        turn: the current turn, from 1; 0 before the first.
        think_seconds: think time before the next turn.
        new: messages that the current turn adds.
        limit: token limit of the current answer; None for the run's own limit.
        began_ms: start of the first request.
    """

    id: str
    user: int
    iteration: int
    turns: int
    history: History
    turn: int = 0
    think_seconds: float = 0.0
    new: tuple[Message, ...] = ()
    limit: int | None = None
    began_ms: float | None = None

    @property
    def is_over(self) -> bool:
        """Return True if its last turn has begun."""
        return self.turn >= self.turns


class ConversationService(ChatService[ChatOptions]):
    """A service whose API takes messages; with `--history server`, an API whose servers keep answers."""

    system_prompts = True
    one_by_one = False

    def __init__(self, options: ChatOptions, host: str) -> None:
        super().__init__(options, host)
        self._rhythm = Rhythm.read(options.seed, options.turns, options.think_time)
        self._keeper = Keeper(options.history)
        self._session_header = options.session_header
        if (name := self._session_header) is not None:
            check_name("--session-header", name)
            if name.lower() in {header.lower() for header, _ in self.credentials.headers}:
                raise ConfigError(f"--session-header {name}: requests already have this header: choose another")
        if self._keeper is Keeper.SERVER and not hasattr(self.dialect, "kept"):
            raise ConfigError(
                f"--history server: the API {self.dialect.name} does not keep conversations: use "
                "--api openai-responses, or --history client"
            )
        talk = one_message(_SAID_BEFORE) + one_message("now")
        sent = self.dialect.body(talk, self.generation(), stream=True)
        if self._keeper is Keeper.CLIENT and _SAID_BEFORE.encode() not in sent:
            raise ConfigError(
                f"--api {self.dialect.name}: its requests carry only the last message, without the history: send all "
                "messages ({messages} in --sse-body), or use another API"
            )

    def generation(self, extra: dict[str, object] | None = None, model: str | None = None) -> Generation:
        """See `ChatService.generation`; with `--history server`, every request asks the target to keep its answer."""
        return super().generation(self._keeping(None) | (extra or {}), model)

    def _keeping(self, answer_id: str | None) -> dict[str, object]:
        """Return the request fields that continue from an answer kept on the server."""
        if self._keeper is Keeper.CLIENT:
            return {}
        fields: dict[str, object] = self.dialect.kept(answer_id)  # type: ignore[attr-defined]  # checked at the start
        return fields

    # Before the load

    def preflight(self) -> str:
        """See `service.Service.preflight`; also counts template tokens per turn, and checks `--history server`."""
        model = super().preflight()
        if self.options.preflight != "request":
            return model
        calibration = self.making.prompts.calibration
        if self.making.makes_prompts and calibration.source != "none":
            calibration.following = self._frame("user", "assistant", "user", beside=calibration.overhead)
            if self.making.prompts.shared_tokens:
                calibration.system = self._frame("system", "user", beside=calibration.overhead)
        if self._keeper is Keeper.SERVER:
            self._try_going_on()
        return model

    def _frame(self, *roles: str, beside: float) -> float | None:
        """Tokens that the chat template adds for such messages, beyond `beside`; None if the target rejects them."""
        prompts = self.making.prompts
        texts = [prompts.probe(2 + number, _FRAME_WORDS) for number in range(len(roles))]
        messages: list[Message] = [{"role": role, "content": text} for role, text in zip(roles, texts, strict=True)]
        counted = self.count_tokens(messages)
        if counted is None:
            return None
        return counted - beside - prompts.calibration.per_unit * sum(map(prompts.units, texts))

    def _try_going_on(self) -> None:
        """Check with two requests that the target keeps an answer.

        Raises:
            ConfigError: it does not.
        """
        if "store" in self.adaptation.left_out:
            raise ConfigError(f"{self.host} does not keep answers: use --history client")
        exchange, body = self.look(self._look_body(self.model, self.adaptation))
        answer_id = self._answer_id(exchange, body)
        if answer_id is None:
            return  # the load will report the failure
        after, _ = self.look(self.short_body(one_message("Go on."), self._keeping(answer_id)))
        if after.status is not None and after.status >= BAD_REQUEST:
            raise ConfigError(f"{self.host} does not keep conversations ({answer_words(after)}): use --history client")

    def _answer_id(self, exchange: Exchange, body: bytes) -> str | None:
        if exchange.status != SUCCESS:
            return None
        kind = exchange.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in STREAMS:
            return str(load_object(body).get("id") or "") or None
        parser = self.dialect.stream_parser("count")
        parser.feed(body, 0.0)
        parser.finish()
        return parser.answer_id

    # A conversation

    def begin_conversation(self, name: str, user: int, iteration: int) -> Conversation:
        """Return a new conversation for a user's iteration."""
        turns = self._rhythm.turns_of(user, iteration)
        return Conversation(name, user, iteration, turns, History(self._keeper))

    def next_turn(self, talk: Conversation, sample: Sample) -> Request:
        """Begin the next turn: return its request, and note the turn in the sample."""
        talk.turn += 1
        first = talk.turn == 1
        place = place_of(talk.iteration, talk.turn)
        plan = self.making.prompts.plan(talk.user, place, follows=not first) if self.making.active else Plan()
        talk.new = self._said(talk, place, plan, sample)
        history = talk.history
        sample.extra |= {
            "kind": "request",
            "session_id": talk.id,
            "turn": talk.turn,
            "think_ms": None if first else talk.think_seconds * 1000.0,
            "history_tokens": history.tokens,
        }
        if plan.input_tokens is not None and history.tokens is not None:
            before = self.making.prompts.system_tokens if first else history.tokens
            sample.target_input_tokens = plan.input_tokens + before
        talk.think_seconds = self._rhythm.seconds_before(talk.user, talk.iteration, talk.turn + 1)
        generation = self.generation(self._forced(plan.output_tokens or 0) | self._keeping(history.answer_id))
        if talk.limit is not None:
            generation = replace(generation, max_tokens=talk.limit)
        body = self.dialect.body(history.asking(talk.new), generation, stream=True)
        request = self.post(self.changed(body), sample.request_id)
        if self._session_header is None:
            return request
        return replace(request, headers=(*request.headers, (self._session_header, talk.id)))

    def _said(self, talk: Conversation, place: int, plan: Plan, sample: Sample) -> tuple[Message, ...]:
        """Return the messages of a turn: made text, or the next prompt. System messages are only in the first turn."""
        talk.limit = sample.target_output_tokens = plan.output_tokens
        if self.making.makes_prompts:
            prompts = self.making.prompts
            system = prompts.system_prompt(talk.user, talk.iteration) if talk.turn == 1 else ""
            begins = [{"role": "system", "content": system}] if system else []
            return (*begins, *one_message(prompts.text(talk.user, place, plan.units)))
        entry = self.questions.prompts.entries[self.questions.index((talk.user, place))]
        self.questions.draw.ended(talk.user, place)
        sample.prompt_id = entry.id
        if plan.output_tokens is None:
            talk.limit = entry.output_tokens
        return tuple(m for m in entry.messages if talk.turn == 1 or m.get("role") not in _SYSTEM)

    def turn_parser(self, talk: Conversation) -> StreamParser:
        """Return a parser for the answer to a turn. It keeps the text if later requests carry it."""
        parser = self.dialect.stream_parser(self.options.check)
        limit = self.options.max_tokens if talk.limit is None else talk.limit
        parser.fewest_chunks = min(self.options.min_chunks, limit)
        if self._keeper is Keeper.CLIENT:
            parser.keep_text()
        return parser

    def heard(self, talk: Conversation, sample: Sample, parser: StreamParser) -> str | None:
        """Add an answer to the conversation. Return why the conversation cannot continue, or None if it can."""
        talk.history.counted(sample.prompt_tokens, sample.completion_tokens, sample.reasoning_tokens)
        talk.history.answered(talk.new, parser.text, parser.answer_id)
        if talk.is_over:
            return None
        if self._keeper is Keeper.SERVER and parser.answer_id is None:
            return "the answer has no id, so the next turn cannot continue from it"
        if self._keeper is Keeper.CLIENT and not parser.text:
            return "the answer has no text for the next turn's history: for reasoning models, raise --max-tokens"
        return None
