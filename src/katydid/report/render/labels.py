"""Texts of a picture: where they go, and which are left out so that none stands over another or is cut off.

A picture is drawn once and shown in two sizes of type, in its own units: WIDE, and NARROW on a small screen, where the
whole picture shrinks and its texts must not. What has room only in the small type has the class `wide`, and
`charts.css`, which knows the same two sizes, hides it on small screens.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup, escape

from katydid.model.oneline import one_line

WIDE, NARROW = 11.5, 17.0
_ASCENT, _DESCENT = 0.93, 0.24
"""Of a letter's box, in em."""
_APART = 0.25
"""Between two texts in a line, in em."""
_BOLDER = 1.12
_WIDTHS = (("ijlI.,:;'|! ", 0.33), ("frt()[]/-", 0.42), ("mwMW%@…—", 1.0), ("+−±×=<>≥≤~#", 0.84))
"""In em, of a wide typeface (DejaVu Sans): a page brings no typeface along, and most are narrower."""


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """An estimate, on the high side."""
    return sum(map(_em, text)) * size * (_BOLDER if bold else 1.0)


def _em(letter: str) -> float:
    for letters, width in _WIDTHS:
        if letter in letters:
            return width
    if ord(letter) > 0x2E7F:
        return 1.0  # such as Chinese
    return 0.78 if letter.isupper() else 0.64


def shortened(text: str, room: float, *, bold: bool = False) -> str:
    """The text without so much of its middle that it has room in NARROW type."""
    if text_width(text, NARROW, bold=bold) <= room:
        return text
    for kept in range(len(text) - 1, 1, -1):
        short = f"{text[: kept - kept // 2]}…{text[-(kept // 2) :]}"
        if text_width(short, NARROW, bold=bold) <= room:
            return short
    return "…"


@dataclass(frozen=True, slots=True)
class Box:
    """A text's place, in the picture's units."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: "Box", apart: float) -> bool:
        """They overlap, or stand less than `apart` beside each other."""
        beside = self.left < other.right + apart and other.left < self.right + apart
        return beside and self.top < other.bottom and other.top < self.bottom


@dataclass(frozen=True, slots=True)
class Label:
    """A text at (x, y), which is its baseline's start, middle or end.

    Attributes:
        kind: its class in `charts.css`; a `label` is bold.
        at: the x of what it names, where a zoom moves it along.
    """

    x: float
    y: float
    text: str
    anchor: str = "middle"
    kind: str = "tick"
    at: float | None = None

    def box(self, size: float) -> Box:
        """What it covers in type of that size."""
        width = text_width(self.text, size, bold=self.kind == "label")
        left = self.x - {"start": 0.0, "middle": width / 2, "end": width}[self.anchor]
        return Box(left, self.y - _ASCENT * size, left + width, self.y + _DESCENT * size)

    def within(self, width: float) -> "Label":
        """Moved so far to one side that it ends with the picture."""
        box = self.box(NARROW)
        moved = max(0.0, -box.left) - max(0.0, box.right - width)
        return Label(self.x + moved, self.y, self.text, self.anchor, self.kind, self.at)

    def element(self, *, narrow: bool) -> str:
        """As SVG."""
        at = "" if self.at is None else f' data-at="{self.at:.1f}"'
        kind = self.kind if narrow else f"{self.kind} wide"
        place = f'x="{self.x:.1f}" y="{self.y:.1f}"'
        return f'<text class="{kind}" {place} text-anchor="{self.anchor}"{at}>{written(self.text)}</text>'


class Labels:
    """The texts of one picture; who comes first keeps the place."""

    def __init__(self, width: float) -> None:
        self._width = width
        self._kept: dict[float, list[Label]] = {WIDE: [], NARROW: []}

    def room(self, label: Label, size: float) -> bool:
        """It would stand over no other text of that size, and ends with the picture."""
        box = label.box(size)
        inside = box.left >= -0.5 and box.right <= self._width + 0.5
        return inside and not any(box.meets(other.box(size), _APART * size) for other in self._kept[size])

    def put(self, label: Label) -> None:
        """Keep it in each size that has room for it; in the smaller at least, or not at all."""
        label = label.within(self._width)
        if label.text and self.room(label, WIDE):
            self._kept[WIDE].append(label)
            if self.room(label, NARROW):
                self._kept[NARROW].append(label)

    def shown(self, size: float) -> list[Label]:
        """What a reader sees in that size."""
        return list(self._kept[size])

    def elements(self) -> Iterator[str]:
        """As SVG."""
        for label in self._kept[WIDE]:
            yield label.element(narrow=label in self._kept[NARROW])


def written(*lines: str) -> Markup:
    """Somebody's texts inside an element or an attribute: escaped, and without what moves a cursor or turns words."""
    return escape("\n".join(map(one_line, lines)))
