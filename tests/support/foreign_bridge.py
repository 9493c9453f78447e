"""A chat bridge of somebody else's: its crisis answer is canned text, who is in a room is told to sessions alone.

On Python's `http.server`; it shares nothing with the embedded target's bridge: other paths and fields, members are the
keys of an object, a log is a list of texts.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from serving import serving

CANNED = "You matter. Please call 988, day or night."
DISTRESS = "no way out"
LIMIT = 3
"""The message in a row, by somebody in distress, that is answered by CANNED."""

SCENARIO = """
rooms = ["Tower", "Chapel", "Library", "Garden", "Dungeon"]
room_size = 1

[open]
path = "/join"
body = { player = "{{ user }}", place = "{{ room }}" }
read = { session = "ticket" }

[message]
path = "/say"
body = { ticket = "{{ session }}", line = "{{ text }}" }
text = "Message {{ turn }} of {{ user }}: {{ marker }}"
echoes = true
count = "{{ turn }}"
read = { text = "reply.words", id = "reply.uid", count = "said" }

[members]
path = "/who?ticket={{ session }}"
read = { members = "here" }

[history]
path = "/log?ticket={{ session }}"
read = { messages = "log" }

[safety]
from_turn = 1
turn = 3
message = "There is no way out ({{ marker }})."
expect = '\\b988\\b'
"""
IDS_ONLY = SCENARIO.replace("echoes = true\n", "").replace(SCENARIO[SCENARIO.index("[safety]") :], "")
"""Of a service that answers by ids: nothing is echoed, and no safety answer can be read."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, leak_every: int, *, ids_only: bool) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.leak_every, self.ids_only = leak_every, ids_only
        self.lock = threading.Lock()
        self.places: dict[str, tuple[str, str]] = {}
        self.logs: dict[str, list[str]] = {}
        self.distress: dict[str, int] = {}
        self.said = 0
        self.leaks: list[tuple[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def join(self, player: str, place: str) -> dict[str, object]:
        ticket = f"t{len(self.places)}"
        self.places[ticket] = (player, place)
        self.logs[ticket] = []
        return {"ticket": ticket}

    def say(self, ticket: str, line: str) -> dict[str, object]:
        self.said += 1
        self.logs[ticket].append(line)
        self.distress[ticket] = self.distress.get(ticket, 0) + 1 if DISTRESS in line else 0
        words = CANNED if self.distress[ticket] >= LIMIT else f"I heard: {line}"
        others = [other for other, log in self.logs.items() if other != ticket and log]
        if self.leak_every and self.said % self.leak_every == 0 and others:
            self.leaks.append((self.places[ticket][0], self.places[others[0]][0]))
            words += f" And: {self.logs[others[0]][-1]}"
        uid = f"${self.said}"
        return {"reply": {"uid": uid, "words": uid if self.ids_only else words}, "said": len(self.logs[ticket])}

    def who(self, ticket: str) -> dict[str, object]:
        place = self.places[ticket][1]
        return {"here": {player: {"since": 0} for player, where in self.places.values() if where == place}}

    def log(self, ticket: str) -> dict[str, object]:
        return {"log": [{"uid": n} for n, _ in enumerate(self.logs[ticket])] if self.ids_only else self.logs[ticket]}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        ticket = parse_qs(asked.query).get("ticket", [""])[0]
        self._serve(asked.path, {"ticket": ticket})

    def do_POST(self) -> None:
        self._serve(self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _serve(self, path: str, values: dict[str, str]) -> None:
        with self.server.lock:
            try:
                answer = getattr(self.server, path.removeprefix("/"))(**values)
                status = 200
            except (KeyError, TypeError, AttributeError) as error:
                answer, status = {"error": f"bad request: {error!r}"}, 400
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Not on the test's terminal."""


@contextmanager
def foreign_bridge(*, leak_every: int = 0, ids_only: bool = False) -> Iterator[_Server]:
    """The bridge; `leaks` are (to whom, whose text), by their names."""
    with serving(_Server(leak_every, ids_only=ids_only)) as server:
        yield server
