"""Content events counted by their bytes, without reading each as JSON. Knows no API.

Nearly all events of a stream look alike but for their text. From one that was fully read, and said nothing but its
text, a rule is learned: its bytes, with holes for the text and for what differs from event to event and says
nothing (`FREE`: an id, a time). Whatever fills the holes is read in the same way, and whatever differs elsewhere
(another member, in front of the text or behind it, or another value) is left to the parser. So counting is reading.

An event is taken to have one choice, as our requests ask for.
"""

import re
from dataclasses import dataclass

from katydid.protocol import skim
from katydid.protocol.skim import MOST_HOLES, NUMBER, STRING, TEXT, ChunkRule

FREE = frozenset(
    b"content_index created created_at id index item_id message_id model obfuscation output_index p provider "
    b"request_id response_id sequence_number summary_index system_fingerprint".split()
)
"""Members whose values no dialect looks at: a text or a whole number in them may be any other."""

_STRING = rb'"((?:[^"\\]|\\.)*+)"'
_MEMBER = re.compile(_STRING + rb"(?:(\s*:\s*)(?:" + _STRING + rb"|(-?[0-9]+)(?=[\s,}\]]))?)?", re.DOTALL)
"""Each text of an event; where it is a member's name, its value too, if that is a text or a whole number."""
_HOLE = re.compile(b"[" + STRING + NUMBER + TEXT + b"]")
_NO_EVENT = re.compile(rb"[\x00-\x1f]")
"""What stands in no event of one line; the holes are written with such."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a dialect's content events look like.

    Attributes:
        start: what stands before an event's JSON.
        separator: what stands behind it.
        texts: names of the members that have its text.
    """

    start: bytes
    separator: bytes
    texts: frozenset[bytes]

    def learn(self, event: bytes) -> "ContentRule | None":
        """The rule that a content event follows, if it says nothing else; None for one of another shape.

        Args:
            event: its JSON.
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
    """Counts the content events of a shape; see `Shape.learn`.

    Attributes:
        chunk: what an HTTP chunk looks like that is such an event.
        visible: its text is output that a user sees, as who learns it says.
    """

    __slots__ = ("_ending", "_separator", "_start", "chunk", "visible")

    def __init__(self, shape: Shape, event: bytes) -> None:
        self.visible = True
        self._start = shape.start
        self._separator = shape.separator
        self.chunk: ChunkRule = shape.start + event + shape.separator
        self._ending = _HOLE.split(self.chunk)[-1]

    def fits(self, event: bytes) -> bool:
        """Whether an event, given as its JSON, is one of them."""
        whole = self._start + event + self._separator
        return skim.fastest_run(whole, 0, self.chunk) == (len(whole), 1)

    def find(self, data: bytes) -> tuple[int, int, int]:
        """Where the first content events of a block lie that follow each other, and how many they are.

        Args:
            data: events, from where one begins.

        Returns:
            (begin, end, count): from the first to behind the last of them; count 0 where there are none.
        """
        begin = 0
        while data.find(self._ending, begin) >= 0:  # the most telling piece: it says that the answer goes on
            end, count = skim.fastest_run(data, begin, self.chunk)
            if count:
                return begin, end, count
            next_one = data.find(self._separator, begin)
            if next_one < 0:
                break
            begin = next_one + len(self._separator)
        return 0, 0, 0
