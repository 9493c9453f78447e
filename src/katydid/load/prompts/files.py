"""Parses the bytes of a prompt file into entries: text, JSON Lines, JSON, CSV. Does not open files.

Bytes are processed as they arrive, gzipped or not, so only one entry is in memory at a time. Lines end with LF or CR LF
only; a byte order mark is dropped.
"""

import codecs
import csv
import gzip
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

import orjson

from katydid.load.prompts.collection import Entry
from katydid.load.prompts.entry import CONVERSATIONS, KNOWN, TEXTS
from katydid.load.prompts.json_values import DECODER, MOST_ENTRY, json_document
from katydid.model.errors import ConfigError

MOST_UNPACKED = 2**30
"""Maximum bytes of unpacked gzip data."""
_GZIP = b"\x1f\x8b"
_PACKED = {b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bzip2", b"PK\x03\x04": "ZIP", b"\xfd7zXZ": "xz", b"PAR1": "Parquet"}
_PIECE = 2**16
_HEAD, _MOST_HEAD = 6, 2**20
"""Bytes that tell one packed format from another; the most that are looked at to recognise a text."""


def unpacked(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the bytes, unpacked if they are gzip data.

    Raises:
        ConfigError: the data is damaged, packed in another format, or not UTF-8.
    """
    head, source = peeked(pieces, _has_head)
    if head.startswith(_GZIP):
        head, source = peeked(_gunzipped(source), _has_head)
    for magic, name in _PACKED.items():
        if head.startswith(magic):
            raise ConfigError(f"is {name} data under another name: unpack or rename it")
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in head[:4]:
        raise ConfigError("is UTF-16 text or not text: save it as UTF-8")
    yield next(source, b"").removeprefix(codecs.BOM_UTF8)
    yield from source


def peeked(pieces: Iterable[bytes], enough: Callable[[bytes], bool]) -> tuple[bytes, Iterator[bytes]]:
    """Return the first bytes, until there are enough of them, and an iterator over all bytes, including these."""
    head, source = b"", iter(pieces)
    while not enough(head) and len(head) < _MOST_HEAD and (piece := next(source, None)) is not None:
        head += piece
    return head, chain([head], source)


def _has_head(head: bytes) -> bool:
    return len(head) >= _HEAD


class _Pieces:
    """Pieces of bytes as a file that gzip reads."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._rest = pieces, b""

    def read(self, size: int) -> bytes:
        while len(self._rest) < size and (piece := next(self._pieces, None)) is not None:
            self._rest += piece
        data, self._rest = self._rest[:size], self._rest[size:]
        return data


def _gunzipped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    size = 0
    try:
        with gzip.open(_Pieces(pieces)) as file:  # type: ignore[call-overload]  # reading a stream needs no more
            while text := file.read1(_PIECE):
                yield text
                size += len(text)
                if size > MOST_UNPACKED:
                    raise ConfigError(f"unpacks to more than {MOST_UNPACKED >> 20} MiB: use a part of it")
    except EOFError:
        raise ConfigError("its gzip data is cut off") from None
    except (gzip.BadGzipFile, zlib.error):
        raise ConfigError("its gzip data is damaged") from None


def text_lines(pieces: Iterable[bytes]) -> Iterator[tuple[int, str]]:
    """Yield (number, text) of each line, without its line ending."""
    for number, line in enumerate(_raw_lines(pieces), start=1):
        try:
            yield number, line.removesuffix(b"\r").decode()
        except UnicodeDecodeError:
            raise ConfigError(f"line {number} is not UTF-8 text") from None


def _raw_lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    parts: list[bytes] = []
    number, size = 1, 0
    for piece in pieces:
        *whole, rest = piece.split(b"\n")
        for line in whole:
            yield b"".join((*parts, line))
            parts, size = [], 0
            number += 1
        parts.append(rest)
        size += len(rest)
        if size > MOST_ENTRY:
            raise ConfigError(f"line {number} is longer than {MOST_ENTRY >> 20} MiB")
    if size:
        yield b"".join(parts)


def plain(pieces: Iterable[bytes]) -> Iterator[Entry]:
    """Parse one prompt per line."""
    return (("line", number, text) for number, text in text_lines(pieces) if text.strip())


def json_lines(pieces: Iterable[bytes]) -> Iterator[Entry]:
    """Parse one JSON value per line.

    Raises:
        ConfigError: a line is not JSON.
    """
    for number, text in text_lines(pieces):
        if text.strip():
            try:
                value = _parsed(text)
            except (ValueError, RecursionError):
                raise ConfigError(f"line {number} is not JSON") from None
            yield "line", number, value


def _parsed(text: str) -> object:
    """Parse JSON, also with half a surrogate pair."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return DECODER.decode(text)


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of one kind of table.

    Attributes:
        what: what the columns contain, for messages.
        known: columns that are read, in lower case.
        one_of: columns of which at least one is required.
    """

    what: str
    known: frozenset[str]
    one_of: tuple[str, ...]


OF_PROMPTS = Columns("prompts", KNOWN, (*CONVERSATIONS, *TEXTS))


def comma_separated(pieces: Iterable[bytes], columns: Columns = OF_PROMPTS) -> Iterator[Entry]:
    """Parse CSV: one object per row; the first line has the column names.

    Raises:
        ConfigError: a required column is missing, or a row does not have as many fields as the first line.
    """
    lines = (f"{text}\n" for _, text in text_lines(pieces))
    header = next(lines, "")
    if not header.strip():
        return
    before = csv.field_size_limit(MOST_ENTRY)
    try:
        delimiter, names = _header(header, columns)
        yield from _rows(lines, delimiter, names, columns.known)
    finally:
        csv.field_size_limit(before)


def _header(header: str, columns: Columns) -> tuple[str, list[str]]:
    for delimiter in ",;\t":
        try:
            first = next(csv.reader([header], delimiter=delimiter))
        except csv.Error as error:
            raise ConfigError(f"line 1 is not valid CSV ({error})") from None
        names = [name.strip().lower() for name in first]
        if set(names) & set(columns.one_of):
            return delimiter, names
    raise ConfigError(f"line 1 has no column of {columns.what}: it needs one of {', '.join(columns.one_of)}")


def _rows(lines: Iterator[str], delimiter: str, names: list[str], known: frozenset[str]) -> Iterator[Entry]:
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        number = reader.line_num + 2
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise ConfigError(f"line {number} is not valid CSV ({error})") from None
        if row is None:
            return
        if row and len(row) != len(names):
            raise ConfigError(f"line {number} has {len(row)} fields, but line 1 has {len(names)}: quote each text")
        if row:
            yield "line", number, {name: text or None for name, text in zip(names, row, strict=True) if name in known}


READERS: dict[str, Callable[[Iterable[bytes]], Iterator[Entry]]] = {
    ".txt": plain,
    ".jsonl": json_lines,
    ".ndjson": json_lines,
    ".json": json_document,
    ".csv": comma_separated,
    ".tsv": comma_separated,
}
"""Parsers by file name extension."""
