"""Units of metrics, formats of other figures, and which direction of a metric is better."""

from enum import StrEnum


class Unit(StrEnum):
    """The unit of a metric; the summary contains milliseconds, fractions and plain numbers."""

    MS = "ms"
    FRACTION = "fraction"
    PER_SECOND = "/s"
    TOKENS_PER_SECOND = "tok/s"
    RATIO = "×"
    COUNT = ""


class Written(StrEnum):
    """Formats of figures that are not metrics."""

    CHANGE = "change"
    """A relative change, in percent with its sign."""
    MEBIBYTES = "MiB"
    """A number of bytes, in MiB."""


class Better(StrEnum):
    """Which direction is an improvement."""

    LOWER = "lower"
    HIGHER = "higher"
    NEITHER = "neither"
