"""Converts untrusted values to numbers that fit a column: anything else becomes null, never an error.

A target may send anything instead of a number: `true`, `"12"`, 2^64 − 1, −1, `[1]`. None of these is a valid count, but
none may make Katydid lose the row.
"""

from math import isfinite

MOST = 2**63 - 1
"""The largest value of a 64-bit integer column."""


def whole(value: object) -> int | None:
    """Return the value if it is a non-negative whole number, else None. In JSON, 5.0 is the same as 5."""
    if type(value) is int:
        return value if 0 <= value <= MOST else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not 0 <= value <= MOST or value != value // 1:  # NaN is in no range
        return None
    number = int(value)
    return number if number <= MOST else None  # as floats, 2^63 and MOST are equal


def amount(value: object) -> float | None:
    """Return the value if it is a finite, non-negative number, such as a duration, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if isfinite(number) and number >= 0.0 else None
