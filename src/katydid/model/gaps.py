"""The gaps between one answer's content chunks: inter-token latencies, as they were seen. Pure.

Chunks that came in one read have one time and no gap between them, so these are only counted: in a burst
they are nearly all, and each would cost as much as a gap that says something.
"""

import math
from dataclasses import dataclass, field
from itertools import pairwise


@dataclass(slots=True)
class Gaps:
    """One answer's.

    Attributes:
        apart: seconds between consecutive chunks of different reads.
        together: chunks that came in the same read as the one before: gaps of 0.
    """

    apart: list[float] = field(default_factory=list)
    together: int = 0

    def __len__(self) -> int:
        return len(self.apart) + self.together

    def add(self, reads: list[float], chunks: int, last_at: float | None) -> None:
        """Take chunks that came after the one before them.

        Args:
            reads: arrivals of the reads that brought any, in their order; at least one.
            chunks: how many all of them brought.
            last_at: arrival of the chunk before; None: there is none.
        """
        if last_at is not None:
            self.apart.append(reads[0] - last_at)
        if len(reads) > 1:
            self.apart += [later - earlier for earlier, later in pairwise(reads)]
        self.together += chunks - len(reads)

    def statistics(self) -> tuple[float, float, float]:
        """Mean, 99th percentile (the nearest rank) and largest, in seconds.

        Raises:
            ValueError: there are none.
        """
        number = len(self)
        if not number:
            raise ValueError("no gaps, no statistics of them")
        apart = sorted(self.apart)
        rank = math.ceil(0.99 * number) - 1 - self.together  # those of 0 come before all others
        return sum(apart) / number, apart[rank] if rank >= 0 else 0.0, apart[-1] if apart else 0.0
