"""The service of a `session`, shared by its users: the options, the scenario, and its check before the load."""

from hashlib import sha256

from katydid.engine.sender.identity import KeyedWebSocketClient
from katydid.engine.services.base import NoAnswerError
from katydid.engine.services.chat import ChatService
from katydid.engine.services.preflight import answer_words, takes_connections
from katydid.model.errors import ConfigError
from katydid.model.jsontext import json_bytes
from katydid.transport.exchange import Exchange, Request, Timeouts
from katydid.workloads.session import SessionOptions
from katydid.workloads.session.answers import WholeAnswer
from katydid.workloads.session.conversation import Conversation
from katydid.workloads.session.markers import Markers
from katydid.workloads.session.scenario import Step, load_scenario


class SessionService(ChatService[SessionOptions]):
    """See `service.Service`.

    Attributes:
        scenario: the scenario of the conversations.
        rooms: rooms of the users; empty if there are none.
        strangers: by room, the members from outside this run, as seen by the first user to ask.
        answers: by answer id, the user who first received that answer.
    """

    def __init__(self, options: SessionOptions, host: str) -> None:
        super().__init__(options, host)
        self.scenario = load_scenario(options.scenario)
        self.rooms = self.scenario.rooms
        if options.rooms is not None:
            self.rooms = tuple(name for part in options.rooms.split(",") if (name := part.strip()))
        self.sockets: KeyedWebSocketClient | None = None
        if self.scenario.transport == "websocket":
            timeouts = Timeouts(options.request_timeout, options.idle_timeout)
            self.sockets = KeyedWebSocketClient(self.host, timeouts, options.tls, self.credentials)
        self._markers: dict[str, Markers] = {}
        self.strangers: dict[str, set[str]] = {}
        self.answers: dict[str, int] = {}
        try:
            self._try_out()
        except (ConfigError, TypeError) as error:
            raise ConfigError(f"{self._blamed}: {error}") from None

    asks = makes = False  # requests come from the scenario

    @property
    def name(self) -> str:
        """See `ChatService.name`."""
        return self.scenario.name

    def own_path(self) -> str | None:
        """See `ChatService.own_path`; the scenario's paths are relative to the base path."""
        super().own_path()
        return "/"

    def preflight(self) -> str:
        """Check that the service answers, and has the model (if one is needed) and the rooms."""
        if self.scenario.uses_model:
            return super().preflight()
        takes_connections(self.host, self.options.tls)
        if self.scenario.members is not None:
            for room in self.rooms:
                self._look_for(room, self.scenario.members)
        return ""

    def _look_for(self, room: str, step: Step) -> None:
        visitor, opening = self.conversation(0, "look", room), self.scenario.open
        if opening is not None and step.needs_session:
            session = self._ask_ahead(opening, visitor, f"does not open a session in {room!r}").field("session")
            if session is None:
                raise ConfigError(f"{self._blamed}: the answer has nothing at open.read.session: correct the path")
            visitor.values["session"] = session
        members = self._ask_ahead(step, visitor, f"has no room {room!r}").field("members")
        if not isinstance(members, list | dict):
            raise ConfigError(f"{self._blamed}: the answer has no list at members.read.members: correct the path")

    @property
    def _blamed(self) -> str:
        return f"--scenario {self.options.scenario}"

    def _ask_ahead(self, step: Step, visitor: Conversation, refusal: str) -> WholeAnswer:
        """Send one request before the load; `refusal` says in words what it means if the target rejects it."""
        exchange, answer = Exchange(), WholeAnswer(step.read)
        self.client.send(self.made(step, visitor, "look"), answer, exchange)
        if exchange.error is not None:
            raise NoAnswerError(f"{self.host} does not answer ({exchange.detail}): check that it is healthy")
        if not 200 <= (exchange.status or 0) < 300:
            raise ConfigError(f"{self.host} {refusal} ({answer_words(exchange)}): correct --rooms or {self._blamed}")
        return answer

    def conversation(self, index: int, secret: str, room: str | None = None) -> Conversation:
        """Return a user's conversation, in its room."""
        if room is None and self.rooms:
            room = self.rooms[index // self.scenario.room_size % len(self.rooms)]
        prefix = f"kd-{sha256(secret.encode()).hexdigest()[:8]}-"
        markers = self._markers.setdefault(secret, Markers(secret))
        facts = {"turns": self.options.turns, "model": self.model, "max_tokens": self.options.max_tokens}
        return Conversation(
            self.scenario, markers, index=index, name=f"{prefix}{index}", prefix=prefix, room=room, facts=facts
        )

    def made(self, step: Step, conversation: Conversation, request_id: str) -> Request:
        """Render a request from its templates.

        Raises:
            ConfigError: a template cannot be rendered, or does not make a valid path.
        """
        path = step.path(conversation.values)
        if not (isinstance(path, str) and path.startswith("/") and path.isascii() and path.isprintable()):
            raise ConfigError(f"{path!r} is not a path: begin it with / and use the filter urlencode")
        if " " in path:
            raise ConfigError(f"the path {path!r} has a space: use the filter urlencode")
        body = b"" if step.body is None else json_bytes(step.body(conversation.values))
        return Request(step.method, path, self.credentials.headers, body, request_id)

    def _try_out(self) -> None:
        """Render every template once, so that an invalid scenario fails before the load."""
        scenario, conversation = self.scenario, self.conversation(0, "trial")
        if scenario.open is not None:
            self.made(scenario.open, conversation, "")
            conversation.values["session"] = "session"
        for turn in {1, scenario.safety.turn if scenario.safety else 1}:
            conversation.say(turn)
            self.made(scenario.message, conversation, "")
        if scenario.count is not None:
            scenario.count(conversation.values)
        for step in (scenario.members, scenario.history):
            if step is not None:
                self.made(step, conversation, "")

    def facts(self) -> dict[str, object]:
        """See `ChatService.facts`."""
        return {
            "host": self.host,
            "scenario": self.scenario.name,
            "scenario_sha256": self.scenario.sha256,
            "transport": self.scenario.transport,
            "turns": self.options.turns,
        }
