"""A recorded answer and what it means, as `streams.py` and `named_streams.py` list them."""

from typing import NamedTuple

from katydid.model.sample import ErrorClass


class Stream(NamedTuple):
    api: str
    name: str
    body: bytes
    error: ErrorClass | None
    chunks: int
    tokens: int | None = None

    @classmethod
    def of(cls, api, name, body, *meaning):
        return cls(api, name, body.encode() if isinstance(body, str) else body, *meaning)
