"""Options of your own: an API brings some, and so does a workload.

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
    """Of the API: taken with `--api embeddings`, by whatever workload."""

    texts: int = option(8, "texts of one request", kind=count, rule=POSITIVE)


class Embeddings(OpenAi):
    """OpenAI's /v1/embeddings."""

    name = "embeddings"
    endpoint = "/v1/embeddings"
    options = EmbeddingsOptions

    def __init__(self, options: EmbeddingsOptions | None = None) -> None:
        self._options = options or EmbeddingsOptions()

    def configured(self, options: EmbeddingsOptions) -> "Embeddings":
        """The API with the values of a run."""
        return Embeddings(options)

    def body(self, messages: list[Message], generation: Generation, *, stream: bool) -> bytes:
        """Of a request: the prompt, once a text."""
        texts = [messages[-1]["content"]] * self._options.texts
        return orjson.dumps({"model": generation.model, "input": texts})

    def parse_answer(self, body: bytes) -> Answer:
        """What comes back."""
        value = load_object(body)
        return Answer("", "stop", value["usage"]["prompt_tokens"], None, other=len(value["data"]) > 0)


register(Embeddings())


@dataclass(frozen=True, kw_only=True)
class RoundsOptions:
    """Of the workload: they come beside those of its users' class, here of `batch`."""

    rounds: int = option(1, "requests of a turn, one after the other", kind=count, rule=POSITIVE)
    pause: float = option(0.0, "seconds between two of them", kind=duration, rule=NOT_NEGATIVE)


class Rounds(BatchUser):
    """Asks several times in a turn."""

    record = Workload(name="rounds", options=RoundsOptions)

    def iterate(self, scheduled: float) -> None:
        """The first request is due on schedule, each other one after the pause."""
        for number in range(self.run_context.options.rounds):
            if number:
                time.sleep(self.run_context.options.pause)
                scheduled = time.monotonic()
            super().iterate(scheduled)
