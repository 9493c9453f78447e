"""Serve a model with llama.cpp's own server until interrupted: serve_model.py MODEL.gguf PORT THREADS.

Port 0 is any free port. It serves chat completions, completions and embeddings (the mean over a text's tokens), and its
state at `/metrics` and `/slots`.
"""

import signal
import socket
import sys
import threading
import time
import urllib.error
import urllib.request

import xllamacpp

SLOTS = 4
BATCH = 2048  # tokens computed together; a text to embed must fit
CONTEXT = 4096  # tokens per slot


def main(model: str, port: int, threads: int) -> None:
    """Serve until a signal arrives."""
    if port == 0:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
    params = xllamacpp.CommonParams()
    params.model.path = model
    params.model_alias = {"smollm2"}
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.n_parallel = SLOTS
    params.n_ctx = SLOTS * CONTEXT
    params.cpuparams.n_threads = threads
    params.endpoint_metrics = params.endpoint_slots = True
    params.embedding = True
    params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    params.n_ubatch = params.n_batch = BATCH
    server = xllamacpp.Server(params)
    url = f"http://127.0.0.1:{port}"
    wait_until_healthy(url)
    print(f"listening on {url}", flush=True)
    print(f"load it: katydid run stream --host {url}/v1 --users 2 --interval 4", file=sys.stderr)
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    stopped.wait()
    del server


def wait_until_healthy(url: str) -> None:
    """Wait until the model is loaded."""
    for _ in range(300):
        try:
            with urllib.request.urlopen(url + "/health", timeout=2) as answer:  # noqa: S310 - a local URL
                if answer.status == 200:
                    return
        except (urllib.error.URLError, ConnectionError):
            pass
        time.sleep(0.1)
    sys.exit("real_llm: the server did not become healthy within 30 s")


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
