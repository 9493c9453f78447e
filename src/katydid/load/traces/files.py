"""Parses the bytes of a trace file, in any known format, one entry at a time. Does not open files.

All requests of a trace must have the same kinds of data; their order does not matter. Bounded: a file of any size takes
no more memory than the limits here allow, a few hundred MiB.
"""

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from katydid.load.prompts.collection import MOST_BYTES, OVERHEAD, Entry
from katydid.load.prompts.entry import Prompt, Skipped
from katydid.load.prompts.files import Columns, comma_separated, json_lines, peeked, unpacked
from katydid.load.prompts.json_values import json_items
from katydid.load.traces.record import KNOWN, TIMES, Record, record_of
from katydid.load.traces.trace import NONE, Blocks, Trace
from katydid.model.errors import ConfigError
from katydid.model.formatting import plural

MOST_REQUESTS = 10_000_000
MOST_IDS = 32 * 2**20
"""Maximum hash ids in a trace, 8 bytes each."""
_LONGEST_SESSION = 256
_BLOCK_SIZES = (512, 1024, 256, 128, 64, 32, 16)
"""Possible block sizes in tokens per hash id, most likely first: Mooncake's, then those of other servers."""
_OF_TRACES = Columns("times", KNOWN, TIMES)
_JSON = frozenset({b"{", b"["})

Placed = tuple[str, Record | None]
"""A request's location in its file, such as `line 7`, and the request; None if it has no question."""


def records(pieces: Iterable[bytes]) -> Iterator[Placed]:
    """Yield the requests of a trace file, in file order.

    Raises:
        ConfigError: the file cannot be read, or an entry is not a request; the message says where.
    """
    head, source = peeked(unpacked(pieces), _has_mark)
    mark = head.lstrip()[:1]
    for number, (unit, place, value) in enumerate(_entries(mark, source), start=1):
        try:
            yield f"{unit} {place}", record_of(value, number, table=mark not in _JSON)
        except Skipped:
            yield f"{unit} {place}", None
        except ConfigError as error:
            raise ConfigError(f"{unit} {place} {error}") from None


def _entries(mark: bytes, source: Iterable[bytes]) -> Iterator[Entry]:
    if mark == b"{":
        return json_lines(source)
    return json_items(source) if mark == b"[" else comma_separated(source, _OF_TRACES)


def _has_mark(head: bytes) -> bool:
    """Return True if the head has a byte that is not white space: the first one identifies the format."""
    return bool(head.strip())


def collected(found: Iterable[Placed], most_bytes: int = MOST_BYTES) -> Trace:
    """Build a trace from records.

    Raises:
        ConfigError: the records contradict each other, are too many, or there are none; the message says where.
    """
    columns = _Columns(most_bytes)
    for place, record in found:
        try:
            columns.add(record)
        except ConfigError as error:
            raise ConfigError(f"{place} {error}") from None
    if not columns.times:
        without = f" ({plural(columns.skipped, 'entry', 'entries')} without an answer)" if columns.skipped else ""
        raise ConfigError(f"contains no request{without}: use another trace, or make one with `katydid learn`")
    return columns.trace()


@dataclass(slots=True)
class _Columns:
    """The records of a file as columns, in file order."""

    most_bytes: int
    times: "array[float]" = field(default_factory=lambda: array("d"))
    inputs: "array[int]" = field(default_factory=lambda: array("q"))
    outputs: "array[int]" = field(default_factory=lambda: array("q"))
    ids: "array[int]" = field(default_factory=lambda: array("Q"))
    counts: "array[int]" = field(default_factory=lambda: array("I"))
    prompts: list[Prompt] = field(default_factory=list)
    sessions: list[str | None] = field(default_factory=list)
    parents: "array[int]" = field(default_factory=lambda: array("q"))
    numbers: "array[int]" = field(default_factory=lambda: array("q"))
    """For each entry of the file, the index of its record here; -1 if it is left out."""
    sizes: tuple[int, ...] = _BLOCK_SIZES
    names: dict[str, str] = field(default_factory=dict)
    bytes: int = 0
    skipped: int = 0

    def add(self, record: Record | None) -> None:
        """Add a record; one without a question or an answer is left out.

        Raises:
            ConfigError: the record contradicts earlier ones; the message does not say where it is.
        """
        number = len(self.times)
        if record is None or record.output_tokens == 0:
            self.skipped += 1
            self.numbers.append(NONE)
            return
        if number >= MOST_REQUESTS:
            raise ConfigError(f"exceeds the limit of {plural(MOST_REQUESTS, 'request')}: use a part of the trace")
        self._parent(record)
        self._says(record.input_tokens, self.inputs, "input length")
        self._says(record.output_tokens, self.outputs, "output length")
        self._blocks(record)
        self._prompt(record, number)
        self.times.append(record.time)
        session = record.session
        if session is not None and len(session) > _LONGEST_SESSION:
            raise ConfigError(f"has a session name of {len(session)} characters: use at most {_LONGEST_SESSION}")
        self.sessions.append(None if session is None else self.names.setdefault(session, session))
        self.numbers.append(number)

    def _says(self, tokens: int | None, column: "array[int]", what: str) -> None:
        """Add a length to its column; either all requests of a trace have it or none does."""
        number = len(self.times)
        if number and (tokens is None) != (column[0] == NONE):
            raise ConfigError(f"has {'no' if tokens is None else 'an'} {what}, unlike those before it")
        column.append(NONE if tokens is None else tokens)

    def _blocks(self, record: Record) -> None:
        count = len(record.hash_ids)
        self.counts.append(count)
        if not count:
            return
        tokens = record.input_tokens
        if tokens is None:
            raise ConfigError("has hash_ids but no input length")
        fitting = tuple(size for size in self.sizes if -(-tokens // size) == count)
        if not fitting:
            wanted = -(-tokens // self.sizes[0])
            raise ConfigError(
                f"has {plural(count, 'hash id')} for {plural(tokens, 'input token')}, but needs {wanted}: earlier "
                f"requests have {plural(self.sizes[0], 'token')} per block"
            )
        self.sizes = fitting
        if len(self.ids) + count > MOST_IDS:
            raise ConfigError(f"exceeds the limit of {MOST_IDS:,} hash ids: use a part of the trace")
        self.ids.extend(record.hash_ids)

    def _prompt(self, record: Record, number: int) -> None:
        if number and (record.prompt is None) == bool(self.prompts):
            raise ConfigError(f"has {'no ' if record.prompt is None else ''}messages, unlike those before it")
        if record.prompt is None:
            return
        self.bytes += record.prompt.size + OVERHEAD * len(record.prompt.messages)
        if self.bytes > self.most_bytes:
            raise ConfigError(f"exceeds the limit of {self.most_bytes >> 20} MiB of messages: use a part of the trace")
        self.prompts.append(record.prompt)

    def _parent(self, record: Record) -> None:
        if record.parent is None:
            self.parents.append(NONE)
            return
        parent = self.numbers[record.parent - 1]
        if parent == NONE:
            raise ConfigError(f"has parent {record.parent}, which is left out")
        if self.sessions[parent] != record.session:
            raise ConfigError(f"has parent {record.parent}, which is in another session")
        if self.times[parent] > record.time:
            raise ConfigError(f"has parent {record.parent}, which starts later")
        self.parents.append(parent)

    def trace(self) -> Trace:
        """Return the trace, ordered by time."""
        order = sorted(range(len(self.times)), key=self.times.__getitem__)
        first = self.times[order[0]]
        return Trace(
            array("d", (self.times[each] - first for each in order)),
            self._ordered(self.inputs, order),
            self._ordered(self.outputs, order),
            self._ordered_blocks(order),
            [self.prompts[each] for each in order] if self.prompts else None,
            self._ordered_parents(order),
            [self.sessions[each] for each in order] if self.names else None,
            self.skipped,
        )

    def _ordered(self, column: "array[int]", order: list[int]) -> "array[int] | None":
        return None if column[0] == NONE else array("q", (column[each] for each in order))

    def _ordered_blocks(self, order: list[int]) -> Blocks | None:
        if not self.ids:
            return None
        begins = array("q", [0])
        for count in self.counts:
            begins.append(begins[-1] + count)
        ids, placed = array("Q"), array("q", [0])
        for each in order:
            ids.extend(self.ids[begins[each] : begins[each + 1]])
            placed.append(len(ids))
        return Blocks(self.sizes[0], ids, placed)

    def _ordered_parents(self, order: list[int]) -> "array[int] | None":
        """Return parents by time order; a request without a parent follows the one before it in its session."""
        if not self.names and max(self.parents) == NONE:
            return None
        place = array("q", bytes(8 * len(order)))
        before: dict[str, int] = {}
        parents = array("q")
        for number, each in enumerate(order):
            place[each] = number
            session, said = self.sessions[each], self.parents[each]
            parent = before.get(session, NONE) if session is not None else NONE
            parents.append(parent if said == NONE else place[said])
            if session is not None:
                before[session] = number
        return parents
