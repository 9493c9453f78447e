"""Colours of the pages: what is read stands out from what it stands on, light, dark and printed (WCAG 2.2, 1.4)."""

import re
from importlib.resources import files
from itertools import product

import pytest

TEXT, LINES = 4.5, 3.0
"""The contrast that text needs at least, and what is seen of a picture."""
WRITTEN = ("ink", "soft", "main", "second", "third", "bad")
UNDER_TEXT = ("paper", "card", "tint", "bad-tint", "note-tint")
FILLED = 0.7
"""The opacity of bars."""
THEMES = ("light", "dark", "print")


def css(name):
    return files("katydid.report").joinpath("templates", name).read_text(encoding="utf-8")


def colours(theme):
    """Those of a theme, each as its red, green and blue; the dark and the printed one change the light one."""
    blocks = [
        dict(re.findall(r"--([\w-]+): #(\w+)", block)) for block in re.findall(r":root \{([^}]*)\}", css("style.css"))
    ]
    changed = blocks[0] | blocks[THEMES.index(theme)]
    whole = {name: digits if len(digits) == 6 else "".join(2 * d for d in digits) for name, digits in changed.items()}
    return {name: tuple(bytes.fromhex(digits)) for name, digits in whole.items()}


def luminance(colour):
    parts = [c / 255 for c in colour]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_black_on_white_is_the_most_that_there_is():
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)


@pytest.mark.parametrize("theme", THEMES)
def test_text_is_read_on_every_ground(theme):
    found = colours(theme)
    pairs = {(text, ground): contrast(found[text], found[ground]) for text, ground in product(WRITTEN, UNDER_TEXT)}
    assert {pair: ratio for pair, ratio in pairs.items() if ratio < TEXT} == {}


@pytest.mark.parametrize("theme", THEMES)
def test_lines_and_bars_of_a_picture_are_seen_on_its_card(theme):
    found = colours(theme)
    card = found["card"]
    seen = {name: found[name] for name in ("main", "second", "third", "bad", "quiet", "soft")}
    bars = re.findall(r"\.fill-(\w+) \{ fill: var\(--\w+\); opacity: \.7", css("charts.css"))
    for name in bars:
        seen[f"bar of {name}"] = tuple(FILLED * c + (1 - FILLED) * g for c, g in zip(found[name], card, strict=True))
    assert set(bars) == {"main", "second", "third"}
    assert {name: contrast(colour, card) for name, colour in seen.items() if contrast(colour, card) < LINES} == {}
