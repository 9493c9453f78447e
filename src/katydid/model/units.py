"""What a metric is measured in, how other figures are written, and which way of it is better."""

from enum import StrEnum


class Unit(StrEnum):
    """What a metric is measured in; the summary holds milliseconds, fractions and plain numbers."""

    MS = "ms"
    FRACTION = "fraction"
    PER_SECOND = "/s"
    TOKENS_PER_SECOND = "tok/s"
    RATIO = "×"
    COUNT = ""


class Written(StrEnum):
    """How a figure is written that is no metric's."""

    CHANGE = "change"
    """A ratio, as a change in percent with its sign."""
    MEBIBYTES = "MiB"
    """Of a number of bytes."""


class Better(StrEnum):
    """Which way is an improvement."""

    LOWER = "lower"
    HIGHER = "higher"
    NEITHER = "neither"
