"""Embeddings, rankings, mixes and images end to end, against a server that shares nothing with Katydid."""

import json
from collections import Counter
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from real_server import NEEDS_REAL_SERVER, real_model_server
from running import katydid, the_run
from serving import serving

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

QUICK = ("--users", 4, "--interval", 0.4, "--run-time", "4s", "--warm-up", 0)
EMBED, RERANK, CHAT = "/v1/embeddings", "/v1/rerank", "/v1/chat/completions"
KNOWN = {
    EMBED: {"model", "input", "encoding_format", "dimensions", "user"},
    RERANK: {"model", "query", "documents", "top_n", "return_documents"},
    CHAT: {"model", "messages", "max_tokens", "temperature", "seed", "stream", "stream_options"},
}
"""Fields; a strict server refuses all others."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked = []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self._say(200, {"data": [{"id": "a"}, {"id": "b"}]})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if "X-Katydid-Preflight" not in self.headers:
            self.server.asked.append((self.path, body))
        if more := sorted(body.keys() - KNOWN.get(self.path, set())):
            self._say(422, {"detail": [{"type": "extra_forbidden", "loc": ["body", name]} for name in more]})
        elif self.path == EMBED:
            data = [{"index": i, "embedding": [0.1, -0.2]} for i, _ in enumerate(body["input"])]
            used = sum(len(text.split()) + 2 for text in body["input"])
            self._say(200, {"data": data[::-1], "usage": {"prompt_tokens": used, "total_tokens": used}})
        elif self.path == RERANK:
            results = [{"index": i, "relevance_score": 0.5} for i, _ in enumerate(body["documents"])]
            self._say(200, {"results": results[: body.get("top_n")], "usage": {"total_tokens": 99}})
        else:
            self._stream()

    def _stream(self):
        events = [{"choices": [{"delta": {"content": word}}]} for word in ("one", " two", " three")]
        events.append({"choices": [{"delta": {}, "finish_reason": "stop"}]})
        told = b"".join(b"data: " + json.dumps(each).encode() + b"\n\n" for each in events) + b"data: [DONE]\n\n"
        self._whole(200, "text/event-stream", told)

    def _say(self, status, value):
        self._whole(status, "application/json", json.dumps(value).encode())

    def _whole(self, status, kind, data):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        """Not on the test's terminal."""


@contextmanager
def strict():
    with serving(_Server()) as server:
        yield server


def ran(folder, workload, *words):
    run = katydid("run", workload, *words, *QUICK, folder=folder)
    assert run.wait() in {0, 4}, run.out + run.err  # 4: a busy machine makes a run invalid
    found = the_run(folder)
    assert set(found.samples["outcome"]) == {"ok"}, found.samples["detail"].dropna().unique()
    return found, run.out


def test_embeddings_of_a_strict_server(tmp_path):
    with strict() as server:
        found, told = ran(tmp_path, "embed", "--host", f"{server.url}/v1", "--inputs", 5, "--input-tokens", 30)
    texts = [text for path, body in server.asked for text in body["input"] if path == EMBED]
    assert len(texts) == len(set(texts)) == 5 * len(found.samples)
    assert set(found.samples["dimensions"]) == {2}
    assert found.summary["metrics"]["items_per_s"] == pytest.approx(5 * found.summary["metrics"]["requests_per_s"])
    assert abs(found.summary["lengths"]["input"]["off"]) < 0.02
    assert "Embeddings" in told


def test_rankings_of_a_strict_server(tmp_path):
    with strict() as server:
        found, _ = ran(tmp_path, "rerank", "--host", server.url, "--documents", 6, "--body", "top_n=2")
    assert {len(body["documents"]) for _, body in server.asked} == {6}
    assert set(found.samples["items"]) == {6}


def test_a_mix_of_models_over_two_targets_with_images(tmp_path):
    with strict() as one, strict() as other:
        hosts = ("--host", one.url, "--host", other.url)
        found, told = ran(tmp_path, "stream", *hosts, "--model", "a=0.5,b=0.5", "--images", "1:16x16")
    samples = found.samples
    for server in (one, other):
        models = Counter(body["model"] for _, body in server.asked)
        rows = samples[samples["host"] == server.url]
        assert models == Counter(rows["model"])
        assert set(rows["user"] % 2) == {0 if server is one else 1}
    metrics = found.summary["metrics"]
    assert sum(metrics[f"model={name}/requests_per_s"] for name in "ab") == pytest.approx(metrics["requests_per_s"])
    assert f"host={other.url}/duration.mean" in metrics
    assert f"host {one.url}" in told
    images = [body["messages"][-1]["content"][1]["image_url"]["url"] for _, body in one.asked + other.asked]
    assert len(images) == len(set(images)) == len(samples)


@pytest.mark.real
@NEEDS_REAL_SERVER
@pytest.mark.timeout(600)
def test_embeddings_of_a_real_model(tmp_path):
    with real_model_server() as url:
        found, _ = ran(tmp_path, "embed", "--host", url, "--inputs", 4, "--input-tokens", 40, "--interval", 2)
    assert set(found.samples["dimensions"]) == {576}
    assert abs(found.summary["lengths"]["input"]["off"]) < 0.02
