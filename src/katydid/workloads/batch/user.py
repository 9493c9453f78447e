"""The workload `batch`: each request asks for one non-streamed completion.

A request that is rate-limited (429) is a failed row like any other. With `--on-429 backoff` it is retried after a
delay, and each try has its own row. All tries of a request belong to the same iteration.
"""

import random
import time
from typing import ClassVar

from katydid.engine.options import RunOptions
from katydid.engine.services.chat import ChatService
from katydid.engine.user import PacedUser
from katydid.load.traces.prompts import COLUMNS
from katydid.model.sample import ErrorClass, Sample
from katydid.workloads.batch import BatchOptions


class WholeAnswers(ChatService[BatchOptions]):
    """A service whose answers are not streamed."""

    streams = False


class BatchUser(PacedUser[BatchOptions, ChatService[BatchOptions]]):
    """Requests a non-streamed answer and times it.

    Columns:
        attempt: number of this try, from 0.
        retry_at_ms: when the next try is due.
        session_id: the conversation that the request belongs to, when replaying a trace; null if none.
        turn: turn of the conversation, from 1.
        history_tokens: tokens of the turns before, as counted by the target.
    """

    abstract = True
    workload = "batch"
    service_class: ClassVar[type[ChatService[RunOptions]]] = WholeAnswers
    options_class: ClassVar[type[RunOptions]] = BatchOptions
    request_type = "BATCH"
    extra_columns: ClassVar[dict[str, type]] = {
        "attempt": int,
        "retry_at_ms": float,
        **COLUMNS,
    }

    _text = ""

    def iterate(self, scheduled: float) -> None:
        """Send one request, and retry it if the options say so."""
        options = self.options
        tries = options.tries if options.on_429 == "backoff" else 1
        for attempt in range(tries):
            again = False
            with self.sampled(scheduled) as sample:
                sample.extra["attempt"] = attempt
                self.ask(sample)
                again = sample.error is ErrorClass.RATE_LIMITED and attempt + 1 < tries
                if again:
                    dice = random.Random(f"{options.seed} {self.index} {self.iteration} {attempt}")  # noqa: S311 - jitter, not a secret
                    retry_after = None if sample.retry_after_ms is None else sample.retry_after_ms / 1000.0
                    scheduled = time.monotonic() + backoff_delay(attempt, dice.random(), retry_after)
                    sample.extra["retry_at_ms"] = self.run_context.info.ms(scheduled)
            if not again:
                break
            self.pause(scheduled)
        self.service.ended(sample, self.draw, self._text)

    def ask(self, sample: Sample) -> None:
        """Send one request and read its answer to the last byte."""
        service = self.service
        request, parser = service.request_for(sample, self.draw, stream=False), service.answer_parser()
        self.exchange(sample, request, parser)
        self._text = parser.answer.text if parser.answer else ""


FIRST_S, LONGEST_S = 1.0, 60.0
"""Upper limits of the first delay and of any delay."""


def backoff_delay(attempt: int, jitter: float, retry_after: float | None = None) -> float:
    """Seconds until the next try: exponential, with full jitter (Brooker, "Exponential Backoff And Jitter").

    Args:
        attempt: number of the try that was rejected, from 0.
        jitter: uniform in [0, 1), so that clients that were rejected together do not retry together.
        retry_after: seconds that the server asks for (`Retry-After`); no try comes before that.
    """
    delay = jitter * min(LONGEST_S, FIRST_S * 2.0 ** min(attempt, 30))
    return delay if retry_after is None else retry_after + delay
