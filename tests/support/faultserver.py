"""A target that injects faults: every other request is answered well, those between break in the next way.

Which way a request gets goes by its X-Request-Id, so that a request that is sent again gets the same.
"""

import contextlib
import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from rawserver import END, SSE_HEAD, Peer, chunks, raw_server
from streams import PROPER


@dataclass(frozen=True)
class Answer:
    """What the server does with one request.

    Attributes:
        pieces: written one after the other, `pause` seconds apart.
        then: `keep` the connection, `close` it, `reset` it, or `stay` silent until the client leaves.
        work: seconds before the first of them, and before the end where there is none.
    """

    pieces: Sequence[bytes] = ()
    pause: float = 0.0
    then: str = "keep"
    work: float = 0.0

    @property
    def is_quick(self) -> bool:
        """Whether it is over soon, and asks little of whoever reads it."""
        waits = self.work + self.pause * len(self.pieces) + 10 * (self.then == "stay")
        return waits < 1 and sum(map(len, self.pieces)) < 100_000

    def give(self, peer: Peer, request: bytes) -> bool:
        """Do it; whether the connection goes on."""
        del request
        return self.write(peer)

    def write(self, peer: Peer) -> bool:
        """Write the pieces, and end as said."""
        with contextlib.suppress(OSError):
            time.sleep(self.work)
            peer.send(*self.pieces, pause=self.pause)
            if self.then == "reset":
                time.sleep(0.05)  # else the reset overtakes what was written
                peer.reset()
            elif self.then == "stay":
                peer.wait_for_close()
            return self.then == "keep"
        return False


def sized(body: bytes, status: bytes = b"200 OK", kind: bytes = b"application/json", more: bytes = b"") -> bytes:
    """A whole message with a length."""
    return b"HTTP/1.1 %b\r\nContent-Type: %b\r\nContent-Length: %d\r\n%b\r\n%b" % (status, kind, len(body), more, body)


ID_LENGTH = 32
MODELS = sized(b'{"data":[{"id":"m"}]}')
WELL = Answer([SSE_HEAD + chunks(PROPER.encode()) + END])


@dataclass
class FaultServer:
    """Deals `answers` to requests, each after a good one; then only good ones.

    Args:
        well: the good answer, to any request.
        deals: which requests get faults; others are answered well.

    Attributes:
        dealt: request id → name of the answer, `well` for a good one.
        asked: request id → how often it was asked.
        finished: set once every answer was dealt and the one after it was asked for.
    """

    answers: dict[str, Answer]
    models: bytes = MODELS
    well: Callable[[bytes], Answer] = lambda _: WELL
    deals: Callable[[bytes], bool] = lambda _: True
    dealt: dict[str, str] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    heads: list[bytes] = field(default_factory=list)
    finished: threading.Event = field(default_factory=threading.Event)
    url: str = ""
    _turns: Iterator[int] = field(default_factory=itertools.count)

    def script(self, peer: Peer) -> None:
        while request := peer.request():
            head, _, _ = request.partition(b"\r\n\r\n")
            self.heads.append(head)
            number = _request_id(head)
            if number is None:
                peer.send(self.models)
                continue
            if not self._answer(number, request).give(peer, request):
                return

    def _answer(self, number: str, request: bytes) -> Answer:
        if len(number) != ID_LENGTH:  # a look before the load
            return self.well(request)
        self.asked[number] += 1
        if number not in self.dealt:
            self.dealt[number] = self._next() if self.deals(request) else "well"
        return self.answers.get(self.dealt[number]) or self.well(request)

    def _next(self) -> str:
        turn, odd = divmod(next(self._turns), 2)  # no lock: where Locust has patched this process, threads are none
        names = list(self.answers)
        if turn >= len(names):
            self.finished.set()
        return names[turn] if odd and turn < len(names) else "well"


def _request_id(head: bytes) -> str | None:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"x-request-id":
            return value.strip().decode()
    return None


@contextlib.contextmanager
def fault_server(answers: dict[str, Answer], **more: Any) -> Iterator[FaultServer]:
    """Serve until the block ends."""
    server = FaultServer(answers, **more)
    with raw_server(server.script) as url:
        server.url = url
        yield server
