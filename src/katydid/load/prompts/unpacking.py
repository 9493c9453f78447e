"""The bytes of a file of prompts, also where gzip has packed them, without the byte order mark that is no text."""

import codecs
import zlib
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from katydid.model.errors import ConfigError

MOST_UNPACKED = 2**30
"""Bytes that gzip may unpack to."""
_GZIP = b"\x1f\x8b"
_PACKED = {b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bzip2", b"PK\x03\x04": "ZIP", b"\xfd7zXZ": "xz", b"PAR1": "Parquet"}
_PIECE = 2**16
_HEAD = 6
_GZIP_WINDOW = 31
"""For zlib: a gzip member, of any window."""


def unpacked(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes as they are, or those of all members where they are gzip's.

    Raises:
        ConfigError: they are damaged, packed in another way, or in another encoding than UTF-8.
    """
    head, source = _with_head(iter(pieces))
    if head.startswith(_GZIP):
        head, source = _with_head(_gunzipped(source))
    for magic, name in _PACKED.items():
        if head.startswith(magic):
            raise ConfigError(f"is {name} data under another name: unpack or rename it")
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in head[:4]:
        raise ConfigError("is UTF-16 text, or no text: save it as UTF-8")
    yield next(source, b"").removeprefix(codecs.BOM_UTF8)
    yield from source


def _with_head(source: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The first bytes, enough to know a format by; and all again, these in its first piece."""
    head = b""
    for piece in source:
        head += piece
        if len(head) >= _HEAD:
            break
    return head, chain([head], source)


def _gunzipped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """All members; zeros behind the last one are padding."""
    member, size = zlib.decompressobj(_GZIP_WINDOW), 0
    try:
        for piece in pieces:
            data = piece
            while data:
                if member.eof:
                    data = data.lstrip(b"\0")
                    member = zlib.decompressobj(_GZIP_WINDOW) if data else member
                for text in _inflated(member, data):
                    yield text
                    size += len(text)
                    if size > MOST_UNPACKED:
                        raise ConfigError(f"unpacks to more than {MOST_UNPACKED >> 20} MiB: send a part of it")
                data = member.unused_data if data else b""
        if not member.eof:
            raise ConfigError("its gzip data ends early: it is cut off")
    except zlib.error:
        raise ConfigError("its gzip data is damaged") from None


def _inflated(member: Any, data: bytes) -> Iterator[bytes]:
    while data or not member.eof:
        text = member.decompress(data, _PIECE)
        data = member.unconsumed_tail
        if text:
            yield text
        if not data and len(text) < _PIECE:
            return
