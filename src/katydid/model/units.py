"""What a metric is measured in, and which way of it is better."""

from enum import StrEnum


class Unit(StrEnum):
    """What a metric is measured in; the summary holds milliseconds, fractions and plain numbers."""

    MS = "ms"
    FRACTION = "fraction"
    PER_SECOND = "/s"
    TOKENS_PER_SECOND = "tok/s"
    RATIO = "×"
    COUNT = ""


class Better(StrEnum):
    """Which way is an improvement."""

    LOWER = "lower"
    HIGHER = "higher"
    NEITHER = "neither"
