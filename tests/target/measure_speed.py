"""How much one embedded target feeds: `python tests/target/measure_speed.py`. Not a test; machines differ.

The target gets the first core and this client the others, where the system can do that. CPU is the
target's own (user + system), so the numbers hold on a busy machine too: 1 / CPU is what a core could do.
"""

import json
import os
import selectors
import socket
import sys
import tempfile
import time
from pathlib import Path

import psutil

from katydid.target.process import start_target

BODY = {"model": "katydid-small", "messages": [{"role": "user", "content": "hello there"}]}


def post(*, stream: bool) -> bytes:
    body = json.dumps(BODY | {"stream": stream}).encode()
    return b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nX-Request-Id: r\r\nContent-Length: %d\r\n\r\n%b" % (
        len(body),
        body,
    )


def load(port: int, request: bytes, end: bytes, connections: int, seconds: float) -> int:
    """Keep `connections` busy with one request after the other; how many answers came."""
    chosen = selectors.DefaultSelector()
    for _ in range(connections):
        sock = socket.create_connection(("127.0.0.1", port))
        chosen.register(sock, selectors.EVENT_READ)
        sock.sendall(request)
    answers, until = 0, time.monotonic() + seconds
    while time.monotonic() < until:
        for key, _ in chosen.select(0.1):
            sock = key.fileobj
            if sock.recv(1 << 20).endswith(end):
                answers += 1
                sock.sendall(request)
    for key in list(chosen.get_map().values()):
        key.fileobj.close()
    return answers


def pin(pid: int, cores: set[int]) -> None:
    """Keep a process on these cores; children inherit them."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(pid, cores)


def measure(name: str, *, stream: bool, connections: int, seconds: float, chunks: int, **settings) -> None:
    with start_target(chunks=chunks, log="/dev/null", **settings) as target:
        process = psutil.Process(target.pid)
        pin(target.pid, {0})
        end = b"0\r\n\r\n" if stream else b"}"
        load(target.port, post(stream=stream), end, 4, 0.3)
        before, started = sum(process.cpu_times()[:2]), time.monotonic()
        answers = load(target.port, post(stream=stream), end, connections, seconds)
        took, cpu = time.monotonic() - started, sum(process.cpu_times()[:2]) - before
        done = answers * (chunks if stream else 1)
        what = "chunks" if stream else "requests"
        share, each = cpu / took, cpu / done * 1e6
        print(
            f"{name:28} {done / took:10,.0f} {what}/s at {share:4.0%} CPU: {each:6.2f} µs each,"
            f" {1e6 / each:10,.0f}/s a core"
        )


def late(streams: int, interval: float) -> None:
    """How late chunks are written, by the target's own log."""
    path = Path(tempfile.mkdtemp()) / "truth.jsonl"
    with start_target(ttft=0.05, chunk_interval=interval, chunks=100, log=str(path)) as target:
        pin(target.pid, {0})
        load(target.port, post(stream=True), b"0\r\n\r\n", streams, 0.05 + 100 * interval + 1)
    lines = [line for line in target.log() if line["chunks"] == 100]
    off = sorted((line["last_chunk_mono_ns"] - line["received_mono_ns"]) / 1e6 - 50 - 99e3 * interval for line in lines)
    print(f"{streams} streams: last of 100 chunks late by p50 {off[len(off) // 2]:.2f} ms, max {off[-1]:.2f} ms")


if __name__ == "__main__":
    pin(0, set(range(1, os.cpu_count() or 1)) or {0})
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 3
    measure("burst, 64 streams", stream=True, connections=64, seconds=seconds, chunks=200, ttft=0, chunk_interval=0)
    measure("small answers, 64", stream=False, connections=64, seconds=seconds, chunks=8, ttft=0, chunk_interval=0)
    for streams in (200, 500, 1000, 1600):
        paced = {"chunks": 100, "ttft": 0.2, "chunk_interval": 0.02, "seconds": max(5, seconds)}
        measure(f"paced 20 ms, {streams} streams", stream=True, connections=streams, **paced)
    for streams in (1, 100, 500, 1000):
        late(streams, 0.02)
