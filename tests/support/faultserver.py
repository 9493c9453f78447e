"""A target that deals faults: every other request is answered well, those between break in the next way.

Which way a request gets goes by its X-Request-Id, so that a request that is sent again gets the same.
"""

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
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
    """

    pieces: Sequence[bytes] = ()
    pause: float = 0.0
    then: str = "keep"

    def give(self, peer: Peer) -> bool:
        """Do it; whether the connection goes on."""
        with contextlib.suppress(OSError):
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


MODELS = sized(b'{"data":[{"id":"m"}]}')
WELL = Answer([SSE_HEAD + chunks(PROPER.encode()) + END])


@dataclass
class FaultServer:
    """Deals `answers` to requests, each after a good one; then only good ones.

    Attributes:
        dealt: request id → name of the answer, `well` for a good one.
        asked: request id → how often it was asked.
        finished: set once every answer was dealt and the one after it was asked for.
    """

    answers: dict[str, Answer]
    models: bytes = MODELS
    well: Answer = WELL
    dealt: dict[str, str] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    heads: list[bytes] = field(default_factory=list)
    finished: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def script(self, peer: Peer) -> None:
        while request := peer.request():
            head, _, _ = request.partition(b"\r\n\r\n")
            self.heads.append(head)
            number = _request_id(head)
            if number is None:
                peer.send(self.models)
                continue
            if not self._answer(number).give(peer):
                return

    def _answer(self, number: str) -> Answer:
        self.asked[number] += 1
        if number not in self.dealt:
            turn, odd = divmod(len(self.dealt), 2)
            names = list(self.answers)
            if odd and turn < len(names):
                self.dealt[number] = names[turn]
            else:
                self.dealt[number] = "well"
                if turn >= len(names):
                    self.finished.set()
        return self.answers.get(self.dealt[number], self.well)


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
