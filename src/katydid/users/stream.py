"""The workload `stream`: one streamed chat completion a request."""

from katydid.core.sample import Sample
from katydid.transport.exchange import Exchange
from katydid.users.chat import ChatService
from katydid.users.measuring import judge, measure_exchange, measure_stream
from katydid.users.paced import PacedUser


class StreamUser(PacedUser):
    """Asks for a streamed answer, and times its chunks."""

    abstract = True
    workload = "stream"
    service_class = ChatService
    request_type = "STREAM"

    def perform(self, sample: Sample) -> None:
        """One streamed answer, from its request to its last byte."""
        run = self.run_context
        exchange = Exchange()
        reading = self.service.dialect.reading(run.options.check)
        request = self.service.request(
            user=self.index, iteration=self.iteration, request_id=sample.request_id, stream=True
        )
        sink = run.event_log.before(reading, sample.request_id) if run.event_log else reading
        try:
            self.service.client.send(request, sink, exchange)
        finally:
            measure_exchange(sample, exchange, run.info)
            measure_stream(sample, exchange, reading)
        judge(sample, exchange, reading)
