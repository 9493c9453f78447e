"""Count content events by their bytes, without parsing each as JSON. Knows no API.

Nearly all events of a stream differ only in their text. A rule is learned from one event that was fully parsed and
has nothing but text: its bytes, with holes for the text and for members that vary without meaning (`FREE`: an id, a
time). An event that differs anywhere else (another member, another value) does not match and goes to the parser.
So counting gives the same result as parsing.

An event is assumed to have one choice, which is what our requests ask for.
"""

import re
from dataclasses import dataclass

from katydid.protocol import skim
from katydid.protocol.skim import MOST_HOLES, NUMBER, STRING, TEXT, ChunkRule

FREE = frozenset(
    b"content_index created created_at id index item_id message_id model obfuscation output_index p provider "
    b"request_id response_id sequence_number summary_index system_fingerprint".split()
)
"""Members that no dialect reads: their strings and integers may vary between events."""

_STRING = rb'"((?:[^"\\]|\\.)*+)"'
_MEMBER = re.compile(_STRING + rb"(?:(\s*:\s*)(?:" + _STRING + rb"|(-?[0-9]+)(?=[\s,}\]]))?)?", re.DOTALL)
"""A string of an event. If it is a member's name, its value too, if that is a string or an integer."""
_HOLE = re.compile(b"[" + STRING + NUMBER + TEXT + b"]")
_NO_EVENT = re.compile(rb"[\x00-\x1f]")
"""Control characters, which never occur in a one-line event; rules use them to mark holes."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The form of a dialect's content events.

    Attributes:
        start: the bytes before an event's JSON.
        separator: the bytes after it.
        texts: names of the members that have the text.
    """

    start: bytes
    separator: bytes
    texts: frozenset[bytes]

    def learn(self, event: bytes) -> "ContentRule | None":
        """Learn a rule from a content event that has nothing but text; None if its form does not allow one.

        Args:
            event: the event's JSON.
        """
        if _NO_EVENT.search(event):
            return None
        parts, position = [], 0
        for found in _MEMBER.finditer(event):
            name, colon, text, number = found.groups()
            if colon is None or (text is None and number is None):
                continue
            if text and name in self.texts:
                hole, (begin, end) = TEXT, found.span(3)
            elif name in FREE:
                hole, (begin, end) = (NUMBER, found.span(4)) if text is None else (STRING, found.span(3))
            else:
                continue
            parts += [event[position:begin], hole]
            position = end
        if TEXT not in parts or len(parts) > 2 * MOST_HOLES:
            return None
        rule = ContentRule(self, b"".join([*parts, event[position:]]))
        return rule if rule.fits(event) else None


class ContentRule:
    """Counts the content events that match what `Shape.learn` learned.

    Attributes:
        chunk: the rule for an HTTP chunk that is one such event.
        visible: the text is visible output, not reasoning; set by whoever learns the rule.
    """

    __slots__ = ("_ending", "_separator", "_start", "chunk", "visible")

    def __init__(self, shape: Shape, event: bytes) -> None:
        self.visible = True
        self._start = shape.start
        self._separator = shape.separator
        self.chunk: ChunkRule = shape.start + event + shape.separator
        self._ending = _HOLE.split(self.chunk)[-1]

    def fits(self, event: bytes) -> bool:
        """Return True if an event, given as its JSON, matches the rule."""
        whole = self._start + event + self._separator
        return skim.fastest_run(whole, 0, self.chunk) == (len(whole), 1)

    def find(self, data: bytes) -> tuple[int, int, int]:
        """Find the first unbroken series of matching events in a block.

        Args:
            data: events; an event begins at the first byte.

        Returns:
            (begin, end, count): the series is `data[begin:end]`; count is 0 if no event matches.
        """
        begin = 0
        while data.find(self._ending, begin) >= 0:  # the most selective piece: without it, no event matches
            end, count = skim.fastest_run(data, begin, self.chunk)
            if count:
                return begin, end, count
            next_one = data.find(self._separator, begin)
            if next_one < 0:
                break
            begin = next_one + len(self._separator)
        return 0, 0, 0
