"""Markers: words that a user puts into a message to recognise the message wherever it reappears.

A marker encodes its user and turn. It is signed with the run's secret, so nobody else can make or predict one. All
markers have the same shape, so one pass over a text finds those of all users. This module knows no users, sessions or
services.
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
"""Bytes; 96 bits cannot be guessed."""
_SHAPE = re.compile(r"kd9([a-z2-7]{32})", re.IGNORECASE)
"""Base32 has no 9, so a marker cannot begin inside another."""
_MOST = 2**32
_REMEMBERED = 10_000
"""This many markers of this process are recognised by look-up; all others by their signature."""


@dataclass(frozen=True, slots=True)
class Marker:
    """User and turn of a marker; both None if it does not belong to this run."""

    user: int | None
    turn: int | None


class Markers:
    """The markers of one run.

    Args:
        secret: the run's secret, the same in all its processes.
    """

    def __init__(self, secret: str) -> None:
        self._key = secret.encode()
        self._made: dict[str, Marker] = {}

    def make(self, user: int, turn: int) -> str:
        """Return the marker of a user's turn (both below 2³²): 35 letters and digits."""
        payload = _PAYLOAD.pack(user % _MOST, turn % _MOST)
        code = base64.b32encode(payload + self._sign(payload)).decode("ascii").lower()
        if len(self._made) >= _REMEMBERED:
            del self._made[next(iter(self._made))]
        self._made[code] = Marker(user, turn)
        return f"kd9{code}"

    def find(self, text: str) -> Iterator[Marker]:
        """Yield all markers in a text, in order. The time depends only on the length of the text."""
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
