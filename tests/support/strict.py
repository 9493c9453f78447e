"""Services that refuse what they do not know, in the words in which that was publicly reported. Shares nothing with us.

`python strict.py` serves all of them, each below a path of its own name, and prints its port. A service is a list of
rules: whether a request breaks one, the status, and the body of the refusal. What breaks none is streamed.
"""

import contextlib
import json
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


def error(message, status=400, **more):
    return status, {"error": {"message": message, "type": "invalid_request_error", **more}}


def has(*names):
    return lambda body: any(name in body for name in names)


def unsupported(name, instead=""):
    message = f"Unsupported parameter: '{name}' is not supported with this model.{instead}"
    return has(name), error(message, param=name, code="unsupported_parameter")


def forbidden(*names):
    """pydantic's words, for all the fields that it does not know."""

    def refusal(body):
        extra = [
            {
                "type": "extra_forbidden",
                "loc": ["body", name],
                "msg": "Extra inputs are not permitted",
                "input": body[name],
            }
            for name in names
            if name in body
        ]
        return 422, {"object": "error", "message": {"detail": extra}, "type": "invalid_request_error"}

    return has(*names), refusal


NEW_LIMIT = unsupported("max_tokens", " Use 'max_completion_tokens' instead.")


def only_one(body):
    return body.get("temperature", 1) != 1


SERVICES = {
    # griptape-ai/ComfyUI-Griptape#312, johny-b/llmcomp#69: one refusal after the other
    "openai-gpt-5": [
        NEW_LIMIT,
        (
            only_one,
            error(
                "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) value is "
                "supported.",
                param="temperature",
                code="unsupported_value",
            ),
        ),
    ],
    # teilomillet/gollm#33, modxcms/modAI#84
    "openai-o3-mini": [NEW_LIMIT, unsupported("temperature")],
    # agno-agi/agno#1066
    "azure-unknown-parameter": [
        (
            has("stream_options"),
            error("Unknown parameter: 'stream_options'.", param="stream_options", code="unknown_parameter"),
        )
    ],
    # langchain-ai/langchain#23552
    "azure-unrecognized-argument": [
        (has("stream_options"), error("Unrecognized request argument supplied: stream_options", param=None, code=None))
    ],
    # mistralai/platform-docs-public#7, langchain-ai/langchain-azure#82
    "mistral": [forbidden("seed", "stream_options")],
    # Vali-98/ChatterUI#227, yym68686/ChatGPT-Telegram-Bot#101: a list around the error
    "gemini": [
        (
            has("seed", "stream_options"),
            lambda body: (
                400,
                [
                    {
                        "error": {
                            "code": 400,
                            "message": "\n".join(
                                f'Invalid JSON payload received. Unknown name "{name}": Cannot find field.'
                                for name in ("seed", "stream_options")
                                if name in body
                            ),
                            "status": "INVALID_ARGUMENT",
                        }
                    }
                ],
            ),
        )
    ],
    # BoundaryML/baml#883
    "fireworks": [
        (has("stream_options"), error("Extra inputs are not permitted, field: 'stream_options'", object="error"))
    ],
    # anomalyco/opencode#31156: it names no field
    "databricks": [(has("stream_options"), error("Bad request: json: unknown field in the request"))],
    # HKUDS/nanobot#202
    "kimi": [(only_one, error("invalid temperature: only 1 is allowed for this model"))],
    # Mixpeal/anthropic-sdk#11, through a gateway: ltmoerdani/opencode-copilot-chat#20
    "claude-gateway": [(has("temperature"), (400, {"message": "temperature is deprecated for this model."}))],
    # kaiko-ai/eva#895
    "litellm": [
        (
            has("seed"),
            error(
                "litellm.UnsupportedParamsError: anthropic does not support parameters: ['seed'], for model=m. To drop "
                "these, set `litellm.drop_params=True`",
                param=None,
                code="400",
            ),
        )
    ],
    # lobehub/lobehub#7336
    "xai": [(has("stream_options"), (400, {"error": "Argument not supported: stream_options"}))],
    # NousResearch/hermes-agent#111043
    "bedrock-grok": [
        (has("temperature"), (400, {"message": "This model doesn't support the temperature field. Remove temperature"}))
    ],
    # gpustack/gpustack#429: vLLM behind a proxy that validates
    "gpustack": [forbidden("stream_options")],
    # CherryHQ/cherry-studio#911
    "github-models": [unsupported("temperature"), NEW_LIMIT],
    # openai/openai-python issues on short answers of reasoning models
    "no-room-to-reason": [
        (
            lambda body: body.get("max_tokens", 0) < 100,
            error(
                "Could not finish the message because max_tokens or model output limit was reached. Please try again "
                "with higher max_tokens."
            ),
        )
    ],
    # What no adaptation mends
    "no-such-model": [
        (lambda _: True, (404, {"error": {"message": "The model `m` does not exist", "code": "model_not_found"}}))
    ],
    "no-key": [(lambda _: True, (401, {"error": {"message": "Incorrect API key provided"}}))],
    "wants-a-field": [(lambda body: "user" not in body, error("Field required: user", 422))],
    # What is no refusal of the configuration
    "overloaded": [(lambda _: True, (503, {"error": {"message": "The engine is currently overloaded"}}))],
    "limited": [(lambda _: True, (429, {"error": {"message": "Rate limit reached"}}))],
    "easy": [],
}

ADAPTED = {
    "openai-gpt-5": (True, ["temperature"]),
    "openai-o3-mini": (True, ["temperature"]),
    "azure-unknown-parameter": (False, ["stream_options"]),
    "azure-unrecognized-argument": (False, ["stream_options"]),
    "mistral": (False, ["seed", "stream_options"]),
    "gemini": (False, ["seed", "stream_options"]),
    "fireworks": (False, ["stream_options"]),
    "databricks": (False, ["temperature", "seed", "stream_options"]),
    "kimi": (False, ["temperature"]),
    "claude-gateway": (False, ["temperature"]),
    "litellm": (False, ["seed"]),
    "xai": (False, ["stream_options"]),
    "bedrock-grok": (False, ["temperature"]),
    "gpustack": (False, ["stream_options"]),
    "github-models": (True, ["temperature"]),
}
"""Whether `max_tokens` must have its new name, and what must be left out, by the services that then answer."""

_SAID = ["One", " two", " three", " four"]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        """No service lists its models: some need another key for it."""
        self._whole(403, {"error": "forbidden"})

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        seen.append({"path": self.path, "look": self.headers.get("X-Katydid-Preflight"), "body": request})
        if self.path == "/seen":
            self._whole(200, seen)
            return
        for breaks, refusal in SERVICES[self.path.split("/")[1]]:
            if breaks(request):
                self._whole(*(refusal(request) if callable(refusal) else refusal))
                return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for text in _SAID:
            self._event({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]})
        self._event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        self._chunk(b"data: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def _event(self, value):
        self._chunk(b"data: " + json.dumps(value).encode() + b"\n\n")

    def _chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def _whole(self, status, value):
        text = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        """Not on the tests' terminal."""


seen = []


@contextlib.contextmanager
def strict_services():
    """Serve them; the URL that all of them are below."""
    with subprocess.Popen([sys.executable, str(Path(__file__))], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    print(server.server_port, flush=True)
    server.serve_forever()
