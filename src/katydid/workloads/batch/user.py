"""The workload `batch`: one whole, non-streamed completion a request.

A request that is refused for its rate (429) is a failed row, as any other; with `--on-429 backoff` it is
tried again after a while, each try with a row of its own. The tries of an iteration share its schedule.
"""

import random
import time
from typing import ClassVar

import gevent

from katydid.engine.options import RunOptions
from katydid.engine.services.chat import ChatService
from katydid.engine.user import PacedUser
from katydid.load.traces.prompts import COLUMNS
from katydid.model.sample import ErrorClass, Sample
from katydid.workloads.batch import BatchOptions

LOOK = 0.1
"""Seconds between looks at whether the run has ended, while a user holds back."""


class WholeAnswers(ChatService[BatchOptions]):
    """The service of who asks for whole answers."""

    streams = False


class BatchUser(PacedUser[BatchOptions, ChatService[BatchOptions]]):
    """Asks for a whole answer, and times it.

    Columns:
        attempt: which try of the request this is, from 0.
        retry_at_ms: when the next try is due.
        session_id: the conversation of a trace that the request is part of; null for none.
        turn: of the conversation, from 1.
        history_tokens: of what was said before, as the target counted it.
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

    _said = ""

    def iterate(self, scheduled: float) -> None:
        """One request, or several tries of it."""
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
                    asked = None if sample.retry_after_ms is None else sample.retry_after_ms / 1000.0
                    scheduled = time.monotonic() + backoff_delay(attempt, dice.random(), asked)
                    sample.extra["retry_at_ms"] = self.run_context.info.ms(scheduled)
            if not again or not self._hold_back(scheduled):
                self.service.ended(sample, self.draw, self._said)
                return

    def ask(self, sample: Sample) -> None:
        """One whole answer, from its request to its last byte."""
        service = self.service
        request, parser = service.request_for(sample, self.draw, stream=False), service.answer_parser()
        self.exchange(sample, request, parser)
        self._said = parser.answer.text if parser.answer else ""

    def _hold_back(self, until: float) -> bool:
        """Wait; False where the run ended meanwhile."""
        while (left := until - time.monotonic()) > 0:
            if self.run_context.stopper.ending:
                return False
            gevent.sleep(min(left, LOOK))
        return not self.run_context.stopper.ending


FIRST = 1.0
"""Seconds that the first delay may be at most."""
LONGEST = 60.0


def backoff_delay(attempt: int, luck: float, asked: float | None = None) -> float:
    """Seconds until the next try: exponential, with full jitter (Brooker, "Exponential Backoff And Jitter").

    Args:
        attempt: tries before this refusal, from 0.
        luck: in [0, 1), evenly distributed, so that clients that were refused together do not return together.
        asked: seconds that the server asks for (`Retry-After`); no try comes before that.
    """
    delay = luck * min(LONGEST, FIRST * 2.0 ** min(attempt, 30))
    return delay if asked is None else asked + delay
