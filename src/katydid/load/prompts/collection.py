"""The prompts of a run: what a file has given, what was skipped of it, and which prompt a request takes.

Bounded: a file of any size, or one that unpacks to any size, takes no more memory than `MOST_BYTES`.
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
"""Of all prompts together, as they lie in memory."""
OVERHEAD = 400
"""Bytes that a message takes beside its text, about."""
_REASONS_TOLD = 3

Entry = tuple[str, int, Any]
"""What its file counts (`line`), its number there, from 1, and what it is."""


@dataclass(frozen=True, slots=True)
class Prompts:
    """Prompts to send, and where they come from.

    Attributes:
        entries: in the order of their file.
        source: `built-in`, or the file's path.
        sha256: of what they were read from; two runs with equal ones sent the same prompts.
        skipped: entries that ask nothing, by the reason.
        told: what the person should know of the file; empty for nothing.
    """

    entries: list[Prompt]
    source: str
    sha256: str
    skipped: dict[str, int] = field(default_factory=dict)
    told: str = ""


def collected(found: Iterable[Entry], most_bytes: int = MOST_BYTES) -> tuple[list[Prompt], dict[str, int], str]:
    """The prompts among some entries, what was skipped, and what to tell of it.

    Raises:
        ConfigError: an entry is no prompt, or there is none; says where.
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
        raise ConfigError(f"holds no prompt ({reasons}; {first})" if skipped else "holds no prompt")
    told = [f"{plural(skipped.total(), 'entry', 'entries')} skipped ({reasons}; {first})"] if skipped else []
    if full:
        told.append(f"only its first {plural(len(prompts), 'prompt')} are sent: more are over {most_bytes >> 20} MiB")
    return prompts, dict(skipped), "; ".join(told)


def _reasons(skipped: Counter[str]) -> str:
    common = skipped.most_common(_REASONS_TOLD)
    told = [f"{count} with {why}" for why, count in common]
    rest = skipped.total() - sum(count for _, count in common)
    return ", ".join([*told, *([f"{rest} for other reasons"] if rest else [])])


class Draw:
    """Which prompt a request sends: without replacement, in an order that the seed decides.

    A process takes every n-th prompt of the shuffled file, so that no other one sends it before the file begins anew;
    it then comes in the same order, each prompt as long after its last time as can be.

    Args:
        prompts: how many there are.
        seed: of the order.
    """

    def __init__(self, prompts: int, seed: int) -> None:
        self._order = list(range(prompts))
        random.Random(seed).shuffle(self._order)  # noqa: S311 - the same for every version under test
        self._next, self._step = 0, 1
        self._taken: dict[tuple[int, int], int] = {}

    def share(self, process: int, processes: int) -> None:
        """This is one of several processes that send requests; `process` from 0."""
        self._next, self._step = process, processes

    def take(self, user: int, iteration: int) -> int:
        """The index of the prompt for a user's iteration; the same one, when it is tried again, until it has ended."""
        key = user, iteration
        taken = self._taken.get(key)
        if taken is None:
            taken = self._taken[key] = self._order[self._next % len(self._order)]
            self._next += self._step
        return taken

    def ended(self, user: int, iteration: int) -> None:
        """Nobody asks for the prompt of this iteration any more."""
        self._taken.pop((user, iteration), None)

    @property
    def first(self) -> int:
        """The index of the prompt that comes first."""
        return self._order[0]
