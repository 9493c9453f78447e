"""Values that others said, as a column can hold them: what it cannot hold is null, never an error.

A target may write anything where a number belongs: `true`, `"12"`, 2^64 − 1, −1, `[1]`. None of these is a count,
and none of them may cost the row it stands in. Knows no API and no column.
"""

from math import isfinite

MOST = 2**63 - 1
"""What a column of 64-bit integers holds."""


def whole(value: object) -> int | None:
    """A count: a whole number that is not negative. JSON does not tell 5.0 from 5."""
    if type(value) is int:
        return value if 0 <= value <= MOST else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not 0 <= value <= MOST or value != value // 1:  # nan is in no range
        return None
    number = int(value)
    return number if number <= MOST else None  # 2^63 as a float is not more than MOST as one


def amount(value: object) -> float | None:
    """A duration or a size: a finite number that is not negative."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if isfinite(number) and number >= 0.0 else None
