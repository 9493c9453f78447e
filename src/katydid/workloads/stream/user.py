"""The workload `stream`: one streamed chat completion a request."""

from typing import ClassVar

from katydid.engine.options import RunOptions
from katydid.engine.services.chat import ChatService
from katydid.engine.user import PacedUser
from katydid.load.traces.prompts import COLUMNS
from katydid.model.sample import Sample


class StreamUser(PacedUser[RunOptions, ChatService[RunOptions]]):
    """Asks for a streamed answer, and times its chunks.

    Columns:
        session_id: the conversation of a trace that the request is part of; null for none.
        turn: of the conversation, from 1.
        history_tokens: of what was said before, as the target counted it.
    """

    abstract = True
    workload = "stream"
    service_class: ClassVar[type[ChatService[RunOptions]]] = ChatService
    request_type = "STREAM"
    extra_columns: ClassVar[dict[str, type]] = COLUMNS

    def perform(self, sample: Sample) -> None:
        """One streamed answer, from its request to its last byte."""
        log, service, draw = self.run_context.event_log, self.service, self.draw
        request = service.request_for(sample, draw, stream=True)
        parser = service.stream_parser(sample, draw)
        self.exchange(sample, request, parser, log.before(parser, sample.request_id) if log else None)
        service.ended(sample, draw, parser.text)
