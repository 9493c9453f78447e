"""A workload with metrics of its own: eight texts a request, and how many vectors come back a second.

katydid run examples/embeddings.py --api embeddings --host http://127.0.0.1:8090 --users 5 --interval 1 --run-time 20s
"""

import orjson

from katydid import Answer, BatchUser, Generation, Message, Metric, OpenAi, Workload, load_object, register

TEXTS = 8
"""Of one request."""


class Embeddings(OpenAi):
    """OpenAI's /v1/embeddings: its keys and its list of models are those of the chat."""

    name = "embeddings"
    endpoint = "/v1/embeddings"

    def body(self, messages: list[Message], generation: Generation, *, stream: bool) -> bytes:
        """Of a request: the prompt, once a text."""
        return orjson.dumps({"model": generation.model, "input": [messages[-1]["content"]] * TEXTS})

    def parse_answer(self, body: bytes) -> Answer:
        """What comes back; `extra` are columns of the workload."""
        value = load_object(body)
        vectors = len(value["data"])
        return Answer(
            "", "stop", value["usage"]["prompt_tokens"], None,
            other=vectors > 0, extra={"vectors": vectors, "complete": vectors == TEXTS},
        )  # fmt: skip


register(Embeddings())


class Embed(BatchUser):
    """Asks as users of `batch` do."""

    record = Workload(
        name="embeddings",
        columns={"vectors": int, "complete": bool},
        metrics=(
            Metric("vectors_per_s", "Vectors", "vectors", read="rate", better="higher", definition="Vectors a second."),
            Metric("complete_share", "Complete answers", "complete", read="share", better="higher"),
        ),
    )
