"""Markers: words that a user puts into a message, so that they can be recognised wherever they come up again.

A marker says whose it is and of which turn, to whoever knows the run's secret; nobody else can make one or
foresee the next. All have one shape, so that one pass over a text finds the markers of all users, however
many there are. Knows nothing of users, sessions or services.
"""

import base64
import hashlib
import hmac
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

_PAYLOAD = struct.Struct(">II")
_SIGNATURE = 12
"""Bytes; nobody guesses 96 bits."""
_SHAPE = re.compile(r"kd9([a-z2-7]{32})", re.IGNORECASE)
"""The 9 is not a letter of the code, so that a marker cannot begin inside another."""
_MOST = 2**32
_REMEMBERED = 10_000
"""Markers of this process that are recognised by looking them up; others are by their signature."""


@dataclass(frozen=True, slots=True)
class Marker:
    """Whose a marker is: user and turn; None where it is of no user of this run."""

    user: int | None
    turn: int | None


class Markers:
    """The markers of one run.

    Args:
        secret: of the run; the same in all its processes.
    """

    def __init__(self, secret: str) -> None:
        self._key = secret.encode()
        self._made: dict[str, Marker] = {}

    def make(self, user: int, turn: int) -> str:
        """The marker of a user's turn, both below 2³²: 35 letters and digits."""
        payload = _PAYLOAD.pack(user % _MOST, turn % _MOST)
        code = base64.b32encode(payload + self._sign(payload)).decode("ascii").lower()
        if len(self._made) >= _REMEMBERED:
            del self._made[next(iter(self._made))]
        self._made[code] = Marker(user, turn)
        return f"kd9{code}"

    def find(self, text: str) -> Iterator[Marker]:
        """All markers in a text, in their order; time grows with the text's length alone."""
        for found in _SHAPE.finditer(text):
            code = found[1].lower()
            yield self._made.get(code) or self._read(code)

    def _sign(self, payload: bytes) -> bytes:
        return hmac.digest(self._key, payload, hashlib.sha256)[:_SIGNATURE]

    def _read(self, code: str) -> Marker:
        data = base64.b32decode(code.upper())
        payload = data[: _PAYLOAD.size]
        if not hmac.compare_digest(data[_PAYLOAD.size :], self._sign(payload)):
            return Marker(None, None)
        return Marker(*_PAYLOAD.unpack(payload))
