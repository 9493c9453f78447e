"""From the bytes of a trace to its requests, whatever its form; read as it comes, an entry at a time. Knows no file."""

from collections.abc import Iterable, Iterator
from itertools import chain

from katydid.load.prompts.collection import Entry
from katydid.load.prompts.entry import Skipped
from katydid.load.prompts.files import Columns, comma_separated, json_lines
from katydid.load.prompts.json_values import json_items
from katydid.load.prompts.unpacking import unpacked
from katydid.load.traces.record import KNOWN, TIMES, Record, record_of
from katydid.model.errors import ConfigError

_OF_TRACES = Columns("times", KNOWN, TIMES)
_SPACE = b" \t\r\n"

Placed = tuple[str, Record | None]
"""Where a request stands in its file, as `line 7`; None where it asks nothing."""


def records(pieces: Iterable[bytes]) -> Iterator[Placed]:
    """The requests of a trace, in its order.

    Raises:
        ConfigError: it cannot be read, or an entry is no request; says where.
    """
    mark, source = _first_mark(unpacked(pieces))
    for number, (unit, place, value) in enumerate(_entries(mark, source), start=1):
        try:
            yield f"{unit} {place}", record_of(value, number, table=mark not in _JSON)
        except Skipped:
            yield f"{unit} {place}", None
        except ConfigError as error:
            raise ConfigError(f"{unit} {place} {error}") from None


_JSON = frozenset({b"{", b"["})


def _entries(mark: bytes, source: Iterable[bytes]) -> Iterator[Entry]:
    if mark == b"{":
        return json_lines(source)
    return json_items(source) if mark == b"[" else comma_separated(source, _OF_TRACES)


def _first_mark(source: Iterator[bytes]) -> tuple[bytes, Iterable[bytes]]:
    """The first byte that is no white space, by which a form is known; and all bytes again."""
    before = []
    for piece in source:
        before.append(piece)
        if mark := piece.lstrip(_SPACE)[:1]:
            return mark, chain(before, source)
    return b"", before
