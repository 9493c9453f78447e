"""Two shares compared in percentage points: from 0 % to 100 % is 100 points more, and no ratio at all.

Noise and verdicts are about ratios (`inference`, `verdicts`); this only says theirs in points. Knows no metric.
"""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Points:
    """A share's difference in percentage points: 12.5 is from 10 % to 22.5 %.

    Attributes:
        low, high: of the 95 % interval; None where there is none.
        detectable: the smallest that would be found; None where that is not known, or is more than a share can be.
    """

    change: float
    low: float | None
    high: float | None
    detectable: float | None


def in_points(
    base: float, new: float, level: float, interval: tuple[float, float] | None, detectable: float | None
) -> Points:
    """The difference of two shares, with what their ratio says about it.

    The ratio's interval is taken of the base's share, as absolute effects are got from relative ones (Cochrane
    Handbook 5.1, section 12.5.4.2), cut off where no share can be, and wide enough for the difference itself.

    Args:
        base: the share as it is shown, a fraction.
        new: the same of the other side.
        level: the base's share, not 0, that the ratio is a ratio to.
        interval: of the ratio's log.
        detectable: the smallest log ratio that would be found.
    """
    change = 100.0 * (new - base)
    low = high = smallest = None
    if interval is not None:
        low, high = (100.0 * level * math.expm1(limit) for limit in interval)
        low, high = max(min(low, change), -100.0 * base), min(max(high, change), 100.0 * (1.0 - base))
    if detectable is not None:
        found = 100.0 * level * math.expm1(detectable)
        smallest = found if found <= 100.0 * (1.0 - level) else None
    return Points(change, low, high, smallest)
