"""Parses the values of a JSON text of any length one by one; only one value is in memory at a time."""

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import NoReturn

from katydid.load.prompts.collection import Entry
from katydid.load.prompts.entry import KNOWN, is_message
from katydid.model.errors import ConfigError

MOST_ENTRY = 8 * 2**20
"""Maximum bytes of one entry."""
MOST_MESSAGES = 10_000
"""Maximum messages of a file that is a single conversation."""
_PIECE = 2**16
_SPACE = re.compile(r"[ \t\r\n]*")
_LONGEST_WORD = 12
"""Characters of the longest token that JSON cannot parse in part, such as `false` or an escaped surrogate pair."""


def _refuse(constant: str) -> NoReturn:
    """Reject NaN and Infinity, which Python accepts but JSON does not."""
    raise ValueError(constant)


DECODER = json.JSONDecoder(parse_constant=_refuse)


def json_document(pieces: Iterable[bytes]) -> Iterator[Entry]:
    """Yield the entries of a JSON document: an array, one entry, one conversation, or concatenated values.

    An object that is not an entry and has exactly one list stands for that list.

    Raises:
        ConfigError: the text is not JSON.
    """
    values: Iterator[object] = _Values(_text(pieces))
    first = list(islice(values, 2))
    if len(first) == 1 and (inner := _only_list(first[0])) is not None:
        first, values = inner, iter(())
    if first and is_message(first[0]):
        first, values = [[*first, *islice(values, MOST_MESSAGES)]], iter(())
    yield from (("entry", number, value) for number, value in enumerate(chain(first, values), start=1))


def json_items(pieces: Iterable[bytes]) -> Iterator[Entry]:
    """Yield the items of a JSON array, or concatenated values, whatever they are.

    Raises:
        ConfigError: the text is not JSON.
    """
    return (("entry", number, value) for number, value in enumerate(_Values(_text(pieces)), start=1))


def _only_list(value: object) -> list[object] | None:
    if not isinstance(value, dict) or value.keys() & KNOWN:
        return None
    lists = [each for each in value.values() if isinstance(each, list)]
    return lists[0] if len(lists) == 1 else None


def _text(pieces: Iterable[bytes]) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for piece in pieces:
            yield decoder.decode(piece)
        yield decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise ConfigError("is not UTF-8 text") from None


class _Values:
    """Iterates over the values of a JSON text: the items of an array, or concatenated values.

    An incomplete value is parsed again when twice as much of the text has arrived.
    """

    def __init__(self, pieces: Iterator[str]) -> None:
        self._pieces = pieces
        self._text, self._at = "", 0
        self._line, self._number = 1, 0
        self._in_array = self._next_mark() == "["
        self._closed = False
        self._at += self._in_array

    def __iter__(self) -> "_Values":
        return self

    def __next__(self) -> object:
        mark = self._next_mark()
        if self._in_array:
            if self._number and mark == ",":
                self._at += 1
                mark = self._next_mark()
            elif mark == "]":
                self._at += 1
                self._in_array, self._closed = False, True
                mark = self._next_mark()
            elif self._number and mark:
                raise self._bad("a comma or ] is missing")
        if self._closed and mark:
            raise self._bad("there is text after its end")
        if not mark and self._in_array:
            raise self._bad("it is cut off")
        if not mark:
            raise StopIteration
        self._number += 1
        return self._value()

    def _value(self) -> object:
        while True:
            try:
                value, end = DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                self._go_on(error)
                continue
            except ValueError as error:
                raise self._bad(f"{error} is not a JSON value") from None
            except RecursionError:
                raise self._bad("it is nested too deeply") from None
            if end == len(self._text) and self._grow(end + 1):
                continue  # a number may have more digits
            self._at = end
            self._forget()
            return value

    def _go_on(self, error: json.JSONDecodeError) -> None:
        """Read more text if the value may just be incomplete."""
        size = len(self._text) - self._at
        if size > MOST_ENTRY:
            raise self._bad(f"it is longer than {MOST_ENTRY >> 20} MiB: write a .jsonl file with one entry per line")
        cut = error.msg.startswith("Unterminated") or error.pos >= len(self._text) - _LONGEST_WORD
        if not (cut and self._grow(self._at + 2 * size)):
            raise self._bad(error.msg[:1].lower() + error.msg[1:])

    def _grow(self, size: int) -> bool:
        """Read until the buffer has `size` characters; returns True if any text was read."""
        more: list[str] = []
        while size > len(self._text) + sum(map(len, more)) and (piece := next(self._pieces, None)) is not None:
            more.append(piece)
        self._text += "".join(more)
        return any(more)

    def _next_mark(self) -> str:
        """Return the next character that is not white space; empty at the end."""
        while True:
            self._at = _SPACE.match(self._text, self._at).end()  # type: ignore[union-attr]  # nothing matches too
            if self._at < len(self._text):
                return self._text[self._at]
            self._forget()
            if not self._grow(1):
                return ""

    def _forget(self) -> None:
        """Drop the parsed text, but not after every value, because that copies the rest."""
        if self._at > _PIECE or self._at == len(self._text):
            self._line += self._text.count("\n", 0, self._at)
            self._text, self._at = self._text[self._at :], 0

    def _bad(self, why: str) -> ConfigError:
        line = self._line + self._text.count("\n", 0, self._at)
        return ConfigError(f"line {line}, entry {max(self._number, 1)} is not JSON: {why}")
