"""Content events counted by their bytes, without reading each as JSON. Knows no API.

Nearly all events of a stream look alike but for their text. From one that was fully read, a rule is
learned: the bytes right before the text (`marker`), those from behind the text to the end of the event
(`ending`), and those that an event begins with (`head`). A block of n markers whose n - 1 junctions of an ending with
the next head, and the ending at its end, account for every line break in it, is n events that all go
on; where no text is empty, they are n content events. Anything unusual makes the counts differ, and is
left to the parser. Where each event bears a name that already says that it is content (`quiet` is None),
what follows the text may differ from event to event, and the ending is the JSON's last brace alone.

A marker cannot come up inside a text: its quotes would be escaped there. An event is taken to have one
choice, as our requests ask for.
"""

import re
from dataclasses import dataclass

from katydid.core.skimming import ChunkRule

_TEXT = re.compile(rb'(?:[^"\\]|\\.)*', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Shape:
    """What a dialect's content events look like.

    Attributes:
        start: what stands before an event's JSON.
        separator: what stands behind it.
        marker: matches from a key up to the opening quote of the text.
        quiet: matches, behind the text, what says that the answer goes on; None where the name in `start` says it.
    """

    start: bytes
    separator: bytes
    marker: re.Pattern[bytes]
    quiet: re.Pattern[bytes] | None = None

    def learn(self, event: bytes) -> "ContentRule | None":
        """The rule that a content event follows; None for one of another shape.

        Args:
            event: its JSON.
        """
        marker = self.marker.search(event)
        if marker is None:
            return None
        if self.quiet is None:
            ending = b"}"
        else:
            text = _TEXT.match(event, marker.end())
            ending = event[text.end() :] if text else b""
            if not self.quiet.search(ending):
                return None
        head = event[: event.find(b":") + 1]
        return ContentRule(self.start + head, marker[0], ending + self.separator, self.separator)


class ContentRule:
    """Counts the content events of a shape; see `Shape.learn`.

    Attributes:
        marker: what stands right before an event's text.
        chunk: what an HTTP chunk looks like that is such an event.
    """

    __slots__ = ("_empty", "_ending", "_head", "_junction", "_line_ends", "_separator", "chunk", "marker")

    def __init__(self, head: bytes, marker: bytes, ending: bytes, separator: bytes) -> None:
        self.marker = marker
        self._head = head
        self._ending = ending
        self._separator = separator
        self._junction = ending + head
        self._line_ends = head.count(b"\n") + separator.count(b"\n")
        self._empty = marker + b'"'
        self.chunk: ChunkRule = (head, marker, ending, self._line_ends)

    def find(self, data: bytes) -> tuple[int, int, int]:
        """Where the content events of a block lie, and how many they are.

        Returns:
            (begin, end, count): from the first to behind the last whole one of them; count 0 where what
            lies between is not content events alone.
        """
        marker = self.marker
        first = data.find(marker)
        if first < 0:
            return 0, 0, 0
        before = data.rfind(self._separator, 0, first)
        begin = before + len(self._separator) if before >= 0 else 0
        last = data.rfind(self._ending, first)
        if last < 0:
            return 0, 0, 0
        end = last + len(self._ending)
        count = data.count(marker, begin, end)
        if (
            count
            and data.startswith(self._head, begin)
            and data.count(b"\n", begin, end) == count * self._line_ends
            and data.count(self._junction, begin, end) == count - 1
            and data.find(self._empty, begin, end) < 0
        ):
            return begin, end, count
        return 0, 0, 0
