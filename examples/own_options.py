"""Options of your own, for an API and for a workload.

katydid run examples/own_options.py --api embeddings --host http://127.0.0.1:8090 --texts 32 --rounds 3 --pause 250ms
"""

import time
from dataclasses import dataclass

import orjson

from katydid import (
    NOT_NEGATIVE,
    POSITIVE,
    Answer,
    BatchUser,
    Generation,
    Message,
    OpenAi,
    Workload,
    count,
    duration,
    load_object,
    option,
    register,
)


@dataclass(frozen=True, kw_only=True)
class EmbeddingsOptions:
    """Options of the API: any workload accepts them with `--api embeddings`."""

    texts: int = option(8, "texts per request", kind=count, rule=POSITIVE)


class Embeddings(OpenAi):
    """OpenAI's /v1/embeddings."""

    name = "embeddings"
    endpoint = "/v1/embeddings"
    options = EmbeddingsOptions

    def __init__(self, options: EmbeddingsOptions | None = None) -> None:
        self._options = options or EmbeddingsOptions()

    def configured(self, options: EmbeddingsOptions) -> "Embeddings":
        """Return the API with the option values of a run."""
        return Embeddings(options)

    def body(self, messages: list[Message], generation: Generation, *, stream: bool) -> bytes:
        """Return the body of a request: the same prompt for each text."""
        texts = [messages[-1]["content"]] * self._options.texts
        return orjson.dumps({"model": generation.model, "input": texts})

    def parse_answer(self, body: bytes) -> Answer:
        """Parse an answer."""
        value = load_object(body)
        return Answer("", "stop", value["usage"]["prompt_tokens"], None, other=len(value["data"]) > 0)


register(Embeddings())


@dataclass(frozen=True, kw_only=True)
class RoundsOptions:
    """Options of the workload, in addition to those of its user class, here `batch`."""

    rounds: int = option(1, "requests per turn, one after the other", kind=count, rule=POSITIVE)
    pause: float = option(0.0, "seconds between two requests", kind=duration, rule=NOT_NEGATIVE)


class Rounds(BatchUser):
    """Sends several requests per turn."""

    record = Workload(name="rounds", options=RoundsOptions)

    def iterate(self, scheduled: float) -> None:
        """Send one turn: the first request is due on schedule, each other one after the pause."""
        for number in range(self.run_context.options.rounds):
            if number:
                time.sleep(self.run_context.options.pause)
                scheduled = time.monotonic()
            super().iterate(scheduled)
