"""A histogram of durations that can be merged: every value of a run, to within 0.4 %, in little memory. Pure.

A value's bucket is the upper half of it as a 32-bit float (IEEE 754): its exponent and the first seven
bits of its fraction. So a power of two has 128 buckets of one width, the log-linear buckets of
HdrHistogram (G. Tene, http://hdrhistogram.org), and a list of values is counted without arithmetic of
ours: 0.05 µs a value. What a bucket holds is at most 1/256 away from its middle.
"""

import math
import struct
import sys
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence

WORST_ERROR = 1 / 256
"""Of a value that a histogram gives, relative to the one that went in."""
_UPPER = 1 if sys.byteorder == "little" else 0
_NEGATIVE = 0x8000


class Histogram:
    """How often each bucket's values came.

    Attributes:
        counts: by bucket.
    """

    def __init__(self, counts: Mapping[int, int] | None = None) -> None:
        self.counts: Counter[int] = Counter(counts)

    def add(self, values: Sequence[float], zeros: int = 0) -> None:
        """Count values of at most 3e38, the largest 32-bit float; negative ones, as of a clock that was set, as 0.

        Args:
            values: each counted once.
            zeros: how many of 0 there are beside them.
        """
        if values:
            self.counts.update(array("H", array("f", values).tobytes())[_UPPER::2])
        if zeros:
            self.counts[0] += zeros

    def merge(self, other: "Histogram") -> None:
        """Count all that another has counted."""
        self.counts.update(other.counts)

    @property
    def total(self) -> int:
        """Values that were counted."""
        return self.counts.total()

    def quantile(self, q: float) -> float:
        """The smallest value that at least a share `q` in [0, 1] of all do not exceed.

        Raises:
            ValueError: nothing was counted.
        """
        wanted = max(1, math.ceil(q * self.total))
        seen = 0
        for bucket in sorted(self.counts, key=middle):
            seen += self.counts[bucket]
            if seen >= wanted:
                return middle(bucket)
        raise ValueError("a histogram without values has no quantile")

    @property
    def mean(self) -> float:
        """Of all values.

        Raises:
            ValueError: nothing was counted.
        """
        if not self.counts:
            raise ValueError("a histogram without values has no mean")
        return sum(middle(bucket) * count for bucket, count in self.counts.items()) / self.total


def middle(bucket: int) -> float:
    """The value that stands for a bucket; 0 for those of 0 and of negative values."""
    if bucket == 0 or bucket >= _NEGATIVE:
        return 0.0
    (low,) = struct.unpack("=f", struct.pack("=I", bucket << 16))
    (high,) = struct.unpack("=f", struct.pack("=I", (bucket + 1) << 16))
    return float(low + high) / 2
