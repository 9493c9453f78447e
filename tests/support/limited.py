"""A server that shares nothing with Katydid: plain asyncio, Ollama's API, answers that take their time.

It holds so many requests at a time and refuses the others with 503, as `--limit-concurrency` of a real server does.
Its log is the truth: a line a request, when it came, what became of it, and when its client was gone or had it all.
"""

import asyncio
import json
import multiprocessing
import os
import socket
import time
from dataclasses import dataclass, field
from typing import Self

TAGS = {"models": [{"name": "small"}]}


@dataclass(eq=False)
class Asked:
    """One request."""

    request_id: str
    at: float
    status: int = 0
    ended: str = ""
    ended_at: float = 0.0


@dataclass
class _Server:
    limit: int
    seconds: float
    chunks: int
    in_flight: int = 0
    log: list[Asked] = field(default_factory=list)

    async def serve(self, reader, writer) -> None:
        try:
            while head := await self._head(reader):
                await self._answer(*head, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _head(self, reader):
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        except asyncio.IncompleteReadError:
            return None
        first, *lines = head.split("\r\n")
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines if line)}
        await reader.readexactly(int(headers.get("content-length", 0)))
        return first.split(" ")[1], headers

    async def _answer(self, path, headers, writer) -> None:
        if path != "/api/chat":
            whole(writer, 200, json.dumps(TAGS if path == "/api/tags" else {}))
            return
        if "x-katydid-preflight" in headers:  # one look before the load
            whole(writer, 200, json.dumps({"message": {"content": "yes"}, "done": True}))
            return
        asked = Asked(headers.get("x-request-id", ""), time.monotonic())
        self.log.append(asked)
        if self.limit and self.in_flight >= self.limit:
            asked.status, asked.ended, asked.ended_at = 503, "refused", time.monotonic()
            whole(writer, 503, '{"error": "busy"}')
            return
        self.in_flight += 1
        asked.status = 200
        try:
            await self._stream(writer, asked)
            asked.ended = "whole"
        except ConnectionError:
            asked.ended = "gone"
            raise
        finally:
            asked.ended_at = time.monotonic()
            self.in_flight -= 1

    async def _stream(self, writer, asked) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n")
        for number in range(1, self.chunks + 1):
            await asyncio.sleep(max(0.0, asked.at + self.seconds * number / (self.chunks + 1) - time.monotonic()))
            line(writer, f"word{number} ", done=False)
            await writer.drain()
        await asyncio.sleep(max(0.0, asked.at + self.seconds - time.monotonic()))
        line(writer, "", done=True)
        writer.write(b"0\r\n\r\n")
        await writer.drain()


def whole(writer, status: int, body: str) -> None:
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write((head + body).encode())


def line(writer, text: str, *, done: bool) -> None:
    value = {"model": "small", "message": {"role": "assistant", "content": text}, "done": done}
    data = json.dumps(value).encode() + b"\n"
    writer.write(b"%x\r\n%s\r\n" % (len(data), data))


def _run(sock, pipe, settings) -> None:
    async def main() -> None:
        server = _Server(**settings)
        listening = await asyncio.start_server(server.serve, sock=sock, backlog=1000)
        loop = asyncio.get_running_loop()
        asked = asyncio.Event()
        loop.add_reader(pipe.fileno(), asked.set)
        async with listening:
            while True:
                await asked.wait()
                asked.clear()
                if not pipe.poll():
                    continue
                if pipe.recv() == "end":
                    return
                pipe.send([(a.request_id, a.at, a.status, a.ended, a.ended_at) for a in server.log])

    asyncio.run(main())


class Limited:
    """The server, in a process of its own; `with` ends it.

    Args:
        limit: requests that it holds at a time; 0 = any number.
        seconds: that an answer takes.
        chunks: of its text.
    """

    def __init__(self, limit: int, seconds: float, *, chunks: int = 8) -> None:
        sock = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{sock.getsockname()[1]}"
        self._pipe, theirs = multiprocessing.Pipe()
        for end in (self._pipe, theirs):  # made of gevent's sockets where a test before has imported Locust
            os.set_blocking(end.fileno(), True)
        settings = {"limit": limit, "seconds": seconds, "chunks": chunks}
        context = multiprocessing.get_context("fork")
        self._process = context.Process(target=_run, args=(sock, theirs, settings), daemon=True)
        self._process.start()
        sock.close()

    def log(self) -> list[Asked]:
        """All requests until now, in the order in which they came."""
        self._pipe.send("log")
        return [Asked(*row) for row in self._pipe.recv()]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pipe.send("end")
        self._process.join(5)
        if self._process.is_alive():
            self._process.kill()
            self._process.join(5)
