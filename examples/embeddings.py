"""A workload with its own metrics: eight texts per request, and the vectors returned per second.

katydid run examples/embeddings.py --api embeddings --host http://127.0.0.1:8090 --users 5 --interval 1 --run-time 20s
"""

import orjson

from katydid import Answer, BatchUser, Generation, Message, Metric, OpenAi, Workload, load_object, register

TEXTS = 8
"""Texts per request."""


class Embeddings(OpenAi):
    """OpenAI's /v1/embeddings, with the keys and the model list of the chat API."""

    name = "embeddings"
    endpoint = "/v1/embeddings"

    def body(self, messages: list[Message], generation: Generation, *, stream: bool) -> bytes:
        """Return the body of a request: the same prompt for each text."""
        return orjson.dumps({"model": generation.model, "input": [messages[-1]["content"]] * TEXTS})

    def parse_answer(self, body: bytes) -> Answer:
        """Parse an answer; `extra` fills the columns of the workload."""
        value = load_object(body)
        vectors = len(value["data"])
        return Answer(
            "", "stop", value["usage"]["prompt_tokens"], None,
            other=vectors > 0, extra={"vectors": vectors, "complete": vectors == TEXTS},
        )  # fmt: skip


register(Embeddings())


class Embed(BatchUser):
    """Sends requests like a user of `batch`."""

    record = Workload(
        name="embeddings",
        columns={"vectors": int, "complete": bool},
        metrics=(
            Metric(
                "vectors_per_s", "Vectors", "vectors", read="rate", better="higher", definition="Vectors per second."
            ),
            Metric("complete_share", "Complete answers", "complete", read="share", better="higher"),
        ),
    )
