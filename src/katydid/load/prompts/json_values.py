"""The values of a JSON text one by one, however long it is: what is in memory at a time is one of them."""

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
"""Bytes of one entry."""
MOST_MESSAGES = 10_000
"""Of one conversation that is a file."""
_PIECE = 2**16
_SPACE = re.compile(r"[ \t\r\n]*")
_LONGEST_WORD = 12
"""Characters of what JSON cannot read half of, as `false` or an escape of a surrogate pair."""


def _refuse(constant: str) -> NoReturn:
    """NaN and Infinity are Python's, and not JSON."""
    raise ValueError(constant)


DECODER = json.JSONDecoder(parse_constant=_refuse)


def json_document(pieces: Iterable[bytes]) -> Iterator[Entry]:
    """The items of an array, a single entry, the messages of a single conversation, or values behind each other.

    An object that is no entry and has one list is that list.

    Raises:
        ConfigError: it is not JSON.
    """
    values: Iterator[object] = _Values(_text(pieces))
    first = list(islice(values, 2))
    if len(first) == 1 and (inner := _only_list(first[0])) is not None:
        first, values = inner, iter(())
    if first and is_message(first[0]):
        first, values = [[*first, *islice(values, MOST_MESSAGES)]], iter(())
    yield from (("entry", number, value) for number, value in enumerate(chain(first, values), start=1))


def json_items(pieces: Iterable[bytes]) -> Iterator[Entry]:
    """The items of an array, or values behind each other, whatever they are.

    Raises:
        ConfigError: it is not JSON.
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
    """The values of a JSON text one by one: the items of an array, or what stands behind each other.

    A value that is not there whole yet is tried again when twice as much of the text is there.
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
            raise self._bad("something follows its end")
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
                raise self._bad(f"{error} is not a value of JSON") from None
            except RecursionError:
                raise self._bad("it is too deep") from None
            if end == len(self._text) and self._grow(end + 1):
                continue  # a number may go on
            self._at = end
            self._forget()
            return value

    def _go_on(self, error: json.JSONDecodeError) -> None:
        """Take more of the text, where the value may only be cut off."""
        size = len(self._text) - self._at
        if size > MOST_ENTRY:
            raise self._bad(f"it is longer than {MOST_ENTRY >> 20} MiB: write an entry a line, into a .jsonl file")
        cut = error.msg.startswith("Unterminated") or error.pos >= len(self._text) - _LONGEST_WORD
        if not (cut and self._grow(self._at + 2 * size)):
            raise self._bad(error.msg[:1].lower() + error.msg[1:])

    def _grow(self, size: int) -> bool:
        """Take text until there is so much; whether there was any."""
        more: list[str] = []
        while size > len(self._text) + sum(map(len, more)) and (piece := next(self._pieces, None)) is not None:
            more.append(piece)
        self._text += "".join(more)
        return any(more)

    def _next_mark(self) -> str:
        """The next character that is no white space; empty at the end."""
        while True:
            self._at = _SPACE.match(self._text, self._at).end()  # type: ignore[union-attr]  # nothing matches too
            if self._at < len(self._text):
                return self._text[self._at]
            self._forget()
            if not self._grow(1):
                return ""

    def _forget(self) -> None:
        """Drop what was read; not each time, since that copies the rest."""
        if self._at > _PIECE or self._at == len(self._text):
            self._line += self._text.count("\n", 0, self._at)
            self._text, self._at = self._text[self._at :], 0

    def _bad(self, why: str) -> ConfigError:
        line = self._line + self._text.count("\n", 0, self._at)
        return ConfigError(f"line {line}, entry {max(self._number, 1)} is not JSON: {why}")
