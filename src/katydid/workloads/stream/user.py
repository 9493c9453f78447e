"""The workload `stream`: one streamed chat completion a request."""

from typing import ClassVar

from katydid.engine.measuring import judge, measure_exchange, measure_stream
from katydid.engine.services.chat import ChatService
from katydid.engine.user import PacedUser
from katydid.model.sample import Sample
from katydid.transport.exchange import Exchange


class StreamUser(PacedUser):
    """Asks for a streamed answer, and times its chunks."""

    abstract = True
    workload = "stream"
    service_class: ClassVar[type[ChatService]] = ChatService
    request_type = "STREAM"

    def perform(self, sample: Sample) -> None:
        """One streamed answer, from its request to its last byte."""
        run = self.run_context
        exchange = Exchange()
        parser = self.service.dialect.stream_parser(run.options.check)
        request = self.service.request(
            user=self.index, iteration=self.iteration, request_id=sample.request_id, stream=True
        )
        sink = run.event_log.before(parser, sample.request_id) if run.event_log else parser
        try:
            self.service.client.send(request, sink, exchange)
        finally:
            measure_exchange(sample, exchange, run.info)
            measure_stream(sample, exchange, parser)
        judge(sample, exchange, parser)
