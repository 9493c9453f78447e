"""The gaps between the content chunks of one answer: inter-token latencies as observed. Pure.

Chunks from the same read have the same time and a gap of 0, so they are only counted. In a burst, nearly all chunks are
like this, and storing their gaps would cost as much as storing informative ones.
"""

import math
from dataclasses import dataclass, field
from itertools import pairwise


@dataclass(slots=True)
class Gaps:
    """The gaps of one answer.

    Attributes:
        apart: seconds between consecutive chunks of different reads.
        together: number of chunks from the same read as the chunk before, that is, gaps of 0.
    """

    apart: list[float] = field(default_factory=list)
    together: int = 0

    def __len__(self) -> int:
        return len(self.apart) + self.together

    def add(self, reads: list[float], chunks: int, last_at: float | None) -> None:
        """Add chunks.

        Args:
            reads: arrival times of the reads with chunks, in order; at least one.
            chunks: number of chunks in all of these reads.
            last_at: arrival time of the chunk before; None if there is none.
        """
        if last_at is not None:
            self.apart.append(reads[0] - last_at)
        if len(reads) > 1:
            self.apart += [later - earlier for earlier, later in pairwise(reads)]
        self.together += chunks - len(reads)

    def statistics(self) -> tuple[float, float, float]:
        """Return mean, 99th percentile (nearest rank) and maximum, in seconds.

        Raises:
            ValueError: there are no gaps.
        """
        number = len(self)
        if not number:
            raise ValueError("no gaps, no statistics of them")
        apart = sorted(self.apart)
        rank = math.ceil(0.99 * number) - 1 - self.together  # gaps of 0 sort before all others
        return sum(apart) / number, apart[rank] if rank >= 0 else 0.0, apart[-1] if apart else 0.0
