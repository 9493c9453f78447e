"""The workload `stream`: each request asks for one streamed chat completion."""

from typing import ClassVar

from katydid.engine.options import RunOptions
from katydid.engine.services.chat import ChatService
from katydid.engine.user import PacedUser
from katydid.load.traces.prompts import COLUMNS
from katydid.model.sample import Sample


class StreamUser(PacedUser[RunOptions, ChatService[RunOptions]]):
    """Requests a streamed answer and times its chunks.

    Columns:
        session_id: the conversation that the request belongs to, when replaying a trace; null if none.
        turn: turn of the conversation, from 1.
        history_tokens: tokens of the turns before, as counted by the target.
    """

    abstract = True
    workload = "stream"
    service_class: ClassVar[type[ChatService[RunOptions]]] = ChatService
    request_type = "STREAM"
    extra_columns: ClassVar[dict[str, type]] = COLUMNS

    def perform(self, sample: Sample) -> None:
        """Send one request and read its streamed answer to the last byte."""
        log, service, draw = self.run_context.event_log, self.service, self.draw
        request = service.request_for(sample, draw, stream=True)
        parser = service.stream_parser(sample, draw)
        self.exchange(sample, request, parser, log.before(parser, sample.request_id) if log else None)
        service.ended(sample, draw, parser.text)
