"""Places the texts of a chart, and leaves some out so that none overlaps another or is cut off.

A chart is drawn once but shown with two font sizes, in the chart's units: WIDE, and NARROW on small screens, where the
chart shrinks but its texts must stay readable. Texts that fit only at the size WIDE get the class `wide`, which
`charts.css` hides on small screens; it has the same two sizes.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup, escape

from katydid.model.oneline import one_line

WIDE, NARROW = 11.5, 17.0
_ASCENT, _DESCENT = 0.93, 0.24
"""Ascent and descent of a letter, in em."""
_APART = 0.25
"""Least distance between two texts on a line, in em."""
_BOLDER = 1.12
_WIDTHS = (("ijlI.,:;'|! ", 0.33), ("frt()[]/-", 0.42), ("mwMW%@…—", 1.0), ("+−±×=<>≥≤~#", 0.84))
"""Letter widths in em of a wide font (DejaVu Sans), since the page embeds no font and most fonts are narrower."""


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """An upper estimate of the text's width, in the chart's units."""
    return sum(map(_em, text)) * size * (_BOLDER if bold else 1.0)


def _em(letter: str) -> float:
    for letters, width in _WIDTHS:
        if letter in letters:
            return width
    if ord(letter) > 0x2E7F:
        return 1.0  # such as Chinese
    return 0.78 if letter.isupper() else 0.64


def shortened(text: str, room: float, *, bold: bool = False) -> str:
    """The text, with its middle replaced by an ellipsis if it does not fit in `room` at the size NARROW."""
    if text_width(text, NARROW, bold=bold) <= room:
        return text
    for kept in range(len(text) - 1, 1, -1):
        short = f"{text[: kept - kept // 2]}…{text[-(kept // 2) :]}"
        if text_width(short, NARROW, bold=bold) <= room:
            return short
    return "…"


@dataclass(frozen=True, slots=True)
class Box:
    """The box of a text, in the chart's units."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: "Box", apart: float) -> bool:
        """Return True if the boxes overlap, or are less than `apart` from each other on a line."""
        beside = self.left < other.right + apart and other.left < self.right + apart
        return beside and self.top < other.bottom and other.top < self.bottom


@dataclass(frozen=True, slots=True)
class Label:
    """A text at (x, y): the start, middle or end of its baseline.

    Attributes:
        kind: the class in `charts.css`; a `label` is bold.
        at: the x of the mark that it names, with which it moves on zoom; else None.
    """

    x: float
    y: float
    text: str
    anchor: str = "middle"
    kind: str = "tick"
    at: float | None = None

    def box(self, size: float) -> Box:
        """The text's box at a font size."""
        width = text_width(self.text, size, bold=self.kind == "label")
        left = self.x - {"start": 0.0, "middle": width / 2, "end": width}[self.anchor]
        return Box(left, self.y - _ASCENT * size, left + width, self.y + _DESCENT * size)

    def within(self, width: float) -> "Label":
        """The label, moved sideways as far as needed to fit in the chart."""
        box = self.box(NARROW)
        moved = max(0.0, -box.left) - max(0.0, box.right - width)
        return Label(self.x + moved, self.y, self.text, self.anchor, self.kind, self.at)

    def element(self, *, narrow: bool) -> str:
        """The label as an SVG element."""
        at = "" if self.at is None else f' data-at="{self.at:.1f}"'
        kind = self.kind if narrow else f"{self.kind} wide"
        place = f'x="{self.x:.1f}" y="{self.y:.1f}"'
        return f'<text class="{kind}" {place} text-anchor="{self.anchor}"{at}>{written(self.text)}</text>'


class Labels:
    """The texts of one chart; a text that is placed first keeps its place."""

    def __init__(self, width: float) -> None:
        self._width = width
        self._kept: dict[float, list[Label]] = {WIDE: [], NARROW: []}

    def room(self, label: Label, size: float) -> bool:
        """Return True if the label would overlap no other at that size and fit in the chart."""
        box = label.box(size)
        inside = box.left >= -0.5 and box.right <= self._width + 0.5
        return inside and not any(box.meets(other.box(size), _APART * size) for other in self._kept[size])

    def put(self, label: Label) -> None:
        """Place the label at each size at which it fits, but only if it fits at the size WIDE."""
        label = label.within(self._width)
        if label.text and self.room(label, WIDE):
            self._kept[WIDE].append(label)
            if self.room(label, NARROW):
                self._kept[NARROW].append(label)

    def shown(self, size: float) -> list[Label]:
        """The labels shown at that size."""
        return list(self._kept[size])

    def elements(self) -> Iterator[str]:
        """All labels as SVG elements."""
        for label in self._kept[WIDE]:
            yield label.element(narrow=label in self._kept[NARROW])


def written(*lines: str) -> Markup:
    """Texts for an element or attribute: escaped, without control and direction characters."""
    return escape("\n".join(map(one_line, lines)))
