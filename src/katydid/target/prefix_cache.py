"""The embedded target's prefix cache: it finds how much of a prompt's beginning was computed before.

A prompt is divided from its beginning into blocks of 16 tokens; a remainder belongs to no block. A block is a hit if
an earlier prompt of the same model began with it and all blocks before it. Cached tokens are those of the leading hits,
but never a prompt's last token, since at least one token must be computed. The least recently used blocks are evicted
beyond the capacity. vLLM's automatic prefix caching works in the same way, with the same block size by default.
"""

from collections import OrderedDict
from collections.abc import Iterator, Sequence

BLOCK = 16
"""Tokens per block."""


class PrefixCache:
    """The cached blocks of one target.

    Args:
        capacity: in tokens; less than one block caches nothing.
    """

    def __init__(self, capacity: int) -> None:
        self._most = capacity // BLOCK
        self._blocks: OrderedDict[int, None] = OrderedDict()

    def use(self, model: str, tokens: Sequence[str]) -> int:
        """Return how many tokens of a prompt are cached, then cache all its blocks."""
        blocks = list(_chained(model, tokens))
        known = 0
        while known < len(blocks) and blocks[known] in self._blocks:
            known += 1
        for block in reversed(blocks):  # marks the beginning as used last, so that the end of a chain is evicted first
            self._blocks[block] = None
            self._blocks.move_to_end(block)
        while len(self._blocks) > self._most:
            self._blocks.popitem(last=False)
        return min(known, max(0, len(tokens) - 1) // BLOCK) * BLOCK

    def clear(self) -> None:
        """Evict all blocks."""
        self._blocks.clear()


def _chained(model: str, tokens: Sequence[str]) -> Iterator[int]:
    """Yield a hash for each whole block, which includes all blocks before it."""
    before = hash(model)
    for start in range(0, len(tokens) - BLOCK + 1, BLOCK):
        before = hash((before, *tokens[start : start + BLOCK]))
        yield before
