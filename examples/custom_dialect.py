"""An API that Katydid does not know: text-generation-inference's /generate_stream.

katydid run examples/custom_dialect.py --api tgi --host http://127.0.0.1:8090 --users 5 --interval 2 --run-time 20s
"""

import orjson

from katydid import Answer, Generation, Message, SseStreamParser, StreamUser, bearer_headers, load_object, register


class TgiStreamParser(SseStreamParser):
    """Parses one streamed answer."""

    def event(self, name: bytes, data: bytes) -> None:
        """Handle an event: each has a token, the last one also the usage."""
        value = load_object(data)
        token, details = value.get("token") or {}, value.get("details")
        if "error" in value:
            self.on_error(value["error"])
        elif token.get("text") and not token.get("special"):
            self.content(data)
        if details:
            self.usage(details.get("input_length"), details.get("generated_tokens"))
            self.done = True


class Tgi:
    """Builds requests, and chooses the parsers of the answers."""

    name = "tgi"
    endpoint = "/generate_stream"
    models_endpoint = "/info"

    def headers(self, api_key: str | None) -> dict[str, str]:
        """Return the headers of every request."""
        return bearer_headers("text/event-stream", api_key)

    def body(self, messages: list[Message], generation: Generation, *, stream: bool) -> bytes:
        """Return the body of a request; the prompt is the last message."""
        return orjson.dumps(
            {"inputs": messages[-1]["content"], "parameters": {"max_new_tokens": generation.max_tokens}}
        )

    def parse_models(self, body: bytes) -> list[str]:
        """Return the one model that is served."""
        return [load_object(body)["model_id"]]

    def stream_parser(self, check: str) -> SseStreamParser:
        """Return a new parser for one streamed answer."""
        return TgiStreamParser(check)

    def parse_answer(self, body: bytes) -> Answer:
        """Parse a non-streamed answer, as requested by the workload `batch` with `--endpoint /generate`."""
        return Answer(load_object(body)["generated_text"], "length", None, None)


register(Tgi())


class Ask(StreamUser):
    """The workload `stream`; a `BatchUser` or your own class works as well."""
