"""The embedded target's prefix cache: which beginning of a prompt was computed before. A rule of its own, and exact.

A prompt is cut from its beginning into blocks of 16 tokens; what is left over is in no block. A block is known where
it and all blocks before it began an earlier prompt of the same model. Cached are the known blocks at the beginning,
but never a prompt's last token, since something must be computed. The blocks used last are kept, up to the capacity.
So do vLLM's automatic prefix caching and others, down to the size of a block.
"""

from collections import OrderedDict
from collections.abc import Iterator, Sequence

BLOCK = 16
"""Tokens."""


class PrefixCache:
    """The blocks of one target.

    Args:
        capacity: tokens that it holds; less than a block's hold nothing.
    """

    def __init__(self, capacity: int) -> None:
        self._most = capacity // BLOCK
        self._blocks: OrderedDict[int, None] = OrderedDict()

    def use(self, model: str, tokens: Sequence[str]) -> int:
        """Tokens of a prompt that are cached; from now on all its blocks are known."""
        blocks = list(_chained(model, tokens))
        known = 0
        while known < len(blocks) and blocks[known] in self._blocks:
            known += 1
        for block in reversed(blocks):  # the beginning is used last, so that a chain loses its end first
            self._blocks[block] = None
            self._blocks.move_to_end(block)
        while len(self._blocks) > self._most:
            self._blocks.popitem(last=False)
        return min(known, max(0, len(tokens) - 1) // BLOCK) * BLOCK

    def clear(self) -> None:
        """Forget all."""
        self._blocks.clear()


def _chained(model: str, tokens: Sequence[str]) -> Iterator[int]:
    """A number for each whole block, which says all that comes before it too."""
    before = hash(model)
    for start in range(0, len(tokens) - BLOCK + 1, BLOCK):
        before = hash((before, *tokens[start : start + BLOCK]))
        yield before
