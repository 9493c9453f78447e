"""The difference of two shares in percentage points: from 0 % to 100 % is 100 points, but no finite ratio.

Noise and verdicts use ratios (`inference`, `verdicts`); this module only converts them to points. Knows no metric.
"""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Points:
    """A share's difference in percentage points: from 10 % to 22.5 % it is 12.5.

    Attributes:
        low, high: limits of the 95 % interval; None if there is none.
        detectable: the smallest detectable difference; None if unknown, or if the share would exceed 100 %.
    """

    change: float
    low: float | None
    high: float | None
    detectable: float | None


def in_points(
    base: float, new: float, level: float, interval: tuple[float, float] | None, detectable: float | None
) -> Points:
    """Convert the comparison of two shares from ratios to percentage points.

    The ratio's interval is multiplied by the base's share, the usual way from relative to absolute effects (Cochrane
    Handbook 5.1, section 12.5.4.2). It is limited to possible shares, and widened to include the difference itself.

    Args:
        base: the base's share as shown, a fraction.
        new: the new side's share as shown.
        level: the base's share that the ratio refers to; not 0.
        interval: of the log ratio.
        detectable: the smallest detectable log ratio.
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
