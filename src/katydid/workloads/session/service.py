"""What the users of a `session` share: their options, the scenario, and what was seen of the rooms before the load."""

from hashlib import sha256

from katydid.engine.sender.credentials import KeyedWebSocketClient
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
        scenario: of the conversations.
        rooms: that users are in; empty where there are none.
        strangers: by room, members who are not of this run, as the first user saw them.
        answers: by its id, the user who was given an answer.
    """

    def __init__(self, options: SessionOptions, host: str) -> None:
        super().__init__(options, host)
        self.scenario = load_scenario(self.options.scenario)
        rooms = self.options.rooms
        named = None if rooms is None else tuple(name for part in rooms.split(",") if (name := part.strip()))
        self.rooms = self.scenario.rooms if named is None else named
        websocket = self.scenario.transport == "websocket"
        timeouts = Timeouts(options.request_timeout, options.idle_timeout)
        self.sockets = KeyedWebSocketClient(self.host, timeouts, options.tls, self.credentials) if websocket else None
        self._markers: dict[str, Markers] = {}
        self.strangers: dict[str, set[str]] = {}
        self.answers: dict[str, int] = {}
        _try_out(self)

    asks = makes = False  # its requests are the scenario's

    @property
    def name(self) -> str:
        """See `ChatService.name`."""
        return self.scenario.name

    def own_path(self) -> str | None:
        """Paths are the scenario's, below all of the base path."""
        super().own_path()
        return "/"

    def preflight(self) -> str:
        """Look whether the service answers, has the model if one is needed, and the rooms."""
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
            session = self._ask_ahead(opening, visitor, f"opens no session in {room!r}").field("session")
            if session is None:
                raise ConfigError(f"{self.blamed}: open.read.session leads to nothing in the answer")
            visitor.opened(session)
        members = self._ask_ahead(step, visitor, f"has no room {room!r}").field("members")
        if not isinstance(members, list | dict):
            raise ConfigError(f"{self.blamed}: members.read.members leads to no list in the answer")

    @property
    def blamed(self) -> str:
        """How a complaint about the scenario begins."""
        return f"--scenario {self.options.scenario}"

    def _ask_ahead(self, step: Step, visitor: Conversation, refusal: str) -> WholeAnswer:
        """One request before the load; `refusal` says what the target does that does not answer it."""
        exchange, answer = Exchange(), WholeAnswer(step.read)
        self.client.send(self.made(step, visitor, "look"), answer, exchange)
        if exchange.error is not None:
            raise NoAnswerError(f"{self.host} does not answer ({exchange.detail}): check that it is healthy")
        if not 200 <= (exchange.status or 0) < 300:
            raise ConfigError(
                f"{self.host} {refusal} ({answer_words(exchange)}): correct --rooms or --scenario "
                f"{self.options.scenario}"
            )
        return answer

    def conversation(self, index: int, secret: str, room: str | None = None) -> Conversation:
        """A user's conversation, in its room."""
        if room is None and self.rooms:
            room = self.rooms[index // self.scenario.room_size % len(self.rooms)]
        prefix = f"kd-{sha256(secret.encode()).hexdigest()[:8]}-"
        markers = self._markers.setdefault(secret, Markers(secret))
        facts = {"turns": self.options.turns, "model": self.model, "max_tokens": self.options.max_tokens}
        return Conversation(
            self.scenario, markers, index=index, name=f"{prefix}{index}", prefix=prefix, room=room, facts=facts
        )

    def made(self, step: Step, conversation: Conversation, request_id: str) -> Request:
        """A request out of its templates.

        Raises:
            ConfigError: they cannot be filled in, or make no path.
        """
        path = step.path(conversation.values)
        if not (isinstance(path, str) and path.startswith("/") and path.isascii() and path.isprintable()):
            raise ConfigError(f"{path!r} is not a path: begin it with / and use the filter urlencode")
        if " " in path:
            raise ConfigError(f"the path {path!r} has a blank: use the filter urlencode")
        body = b"" if step.body is None else json_bytes(step.body(conversation.values))
        return Request(step.method, path, self.credentials.headers, body, request_id)

    def facts(self) -> dict[str, object]:
        """See `ChatService.facts`."""
        return {
            "host": self.host,
            "scenario": self.scenario.name,
            "scenario_sha256": self.scenario.sha256,
            "transport": self.scenario.transport,
            "turns": self.options.turns,
        }


def _try_out(service: SessionService) -> None:
    """Fill every template in once, so that a scenario fails before any load.

    Raises:
        ConfigError: one cannot be filled in.
    """
    scenario = service.scenario
    conversation = service.conversation(0, "trial")
    try:
        if scenario.open is not None:
            service.made(scenario.open, conversation, "")
            conversation.opened("session")
        safety = scenario.safety
        for turn in {1, *((safety.turn,) if safety else ())}:
            conversation.say(turn)
            service.made(scenario.message, conversation, "")
        if scenario.count is not None:
            scenario.count(conversation.values)
        for step in (scenario.members, scenario.history):
            if step is not None:
                service.made(step, conversation, "")
    except (ConfigError, TypeError) as error:
        raise ConfigError(f"{service.blamed}: {error}") from None
