"""The prompts of a run: which ones a file contains, which entries were skipped, and which prompt a request sends.

Bounded: a file of any size, packed or not, takes no more memory than `MOST_BYTES`.
"""

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from katydid.load.prompts.entry import Prompt, Skipped, prompt_of
from katydid.model.errors import ConfigError
from katydid.model.formatting import plural

MOST_BYTES = 100 * 2**20
"""Maximum size of all prompts together in memory."""
OVERHEAD = 400
"""Approximate bytes that a message takes in addition to its text."""
_REASONS_TOLD = 3

Entry = tuple[str, int, Any]
"""What the file counts (such as `line`), the entry's number from 1, and its value."""


@dataclass(frozen=True, slots=True)
class Prompts:
    """Prompts to send, and their origin.

    Attributes:
        entries: the prompts, in file order.
        source: `built-in`, or the file's path.
        sha256: hash of the source; two runs with the same hash sent the same prompts.
        skipped: number of entries without a question, by reason.
        told: a message to the user about the file; empty if there is nothing to report.
    """

    entries: list[Prompt]
    source: str
    sha256: str
    skipped: dict[str, int] = field(default_factory=dict)
    told: str = ""


def collected(found: Iterable[Entry], most_bytes: int = MOST_BYTES) -> tuple[list[Prompt], dict[str, int], str]:
    """Return the prompts among `found`, the number of skipped entries by reason, and a message about them.

    Raises:
        ConfigError: an entry is not a prompt, with its location; or there is no prompt at all.
    """
    prompts: list[Prompt] = []
    skipped: Counter[str] = Counter()
    first, size, full = "", 0, False
    for unit, number, value in found:
        try:
            prompt = prompt_of(value, number)
        except Skipped as why:
            skipped[str(why)] += 1
            first = first or f"first {unit} {number}"
            continue
        except ConfigError as error:
            raise ConfigError(f"{unit} {number} {error}") from None
        size += prompt.size + OVERHEAD * len(prompt.messages)
        if full := size > most_bytes and bool(prompts):
            break
        prompts.append(prompt)
    reasons = _reasons(skipped)
    if not prompts:
        raise ConfigError(f"contains no prompt ({reasons}; {first})" if skipped else "contains no prompt")
    told = [f"{plural(skipped.total(), 'entry', 'entries')} skipped ({reasons}; {first})"] if skipped else []
    if full:
        told.append(f"only its first {plural(len(prompts), 'prompt')} are sent: all exceed {most_bytes >> 20} MiB")
    return prompts, dict(skipped), "; ".join(told)


def _reasons(skipped: Counter[str]) -> str:
    common = skipped.most_common(_REASONS_TOLD)
    told = [f"{count} with {why}" for why, count in common]
    rest = skipped.total() - sum(count for _, count in common)
    return ", ".join([*told, *([f"{rest} for other reasons"] if rest else [])])


class Draw:
    """Draws prompts without replacement, in an order that depends on the seed.

    Each process takes every n-th prompt of the shuffled file, so no prompt repeats before all have been sent. The file
    then repeats in the same order, which keeps the repeats of a prompt as far apart as possible.
    """

    def __init__(self, prompts: int, seed: int) -> None:
        self._order = list(range(prompts))
        random.Random(seed).shuffle(self._order)  # noqa: S311 - the same for every version under test
        self._next, self._step = 0, 1
        self._taken: dict[tuple[int, int], int] = {}

    def share(self, process: int, processes: int) -> None:
        """Set this process's index, from 0, and the number of processes that send requests."""
        self._next, self._step = process, processes

    def take(self, user: int, iteration: int) -> int:
        """Return the index of the prompt for a user's iteration; retries get the same one until `ended` is called."""
        key = user, iteration
        taken = self._taken.get(key)
        if taken is None:
            taken = self._taken[key] = self._order[self._next % len(self._order)]
            self._next += self._step
        return taken

    def ended(self, user: int, iteration: int) -> None:
        """Forget the prompt of an iteration that has ended."""
        self._taken.pop((user, iteration), None)

    @property
    def first(self) -> int:
        """Index of the first prompt in the order."""
        return self._order[0]
