"""Clients that leave: which requests are given up by their clients, and when. Pure.

10%@2s          of ten clients one hangs up, 2 s after its request has started
10%@20chunks    … with the 20th content chunk
"""

import random
import re
from dataclasses import dataclass
from functools import cached_property

from katydid.model.errors import ConfigError
from katydid.model.options import YEAR, Group, option
from katydid.model.options.quantities import QuantityError, count, duration, quoted, share

_CHUNKS = re.compile(r"(\d+)\s*chunks?", re.ASCII)
_SPELLINGS = "is not SHARE@TIME or SHARE@CHUNKS, such as 10%@2s or 10%@20chunks"


@dataclass(frozen=True, slots=True)
class Leaving:
    """Who leaves, and when: one of `seconds` and `chunks` says so.

    Attributes:
        share: of all requests, more than 0 and at most 1.
        seconds: after the request's start.
        chunks: with content, of its answer.
    """

    share: float
    seconds: float | None = None
    chunks: int | None = None

    def leaves(self, seed: int, user: int, iteration: int) -> bool:
        """Whether the client of this request does; the same in every run of the same seed."""
        return random.Random(f"{seed} leaves {user} {iteration}").random() < self.share  # noqa: S311 - a choice, not a secret


def read_leaving(text: str) -> Leaving:
    """What `--abandon` says.

    Raises:
        QuantityError: it is not as the module's examples.
    """
    part, at, when = text.strip().partition("@")
    if not at or not part or not when:
        raise QuantityError(f"{quoted(text)} {_SPELLINGS}")
    leaving = share(part)
    if not 0.0 < leaving <= 1.0:
        raise QuantityError(f"{quoted(text)}: the share must be more than 0 and at most 100%")
    if chunks := _CHUNKS.fullmatch(when.strip()):
        most = count(chunks[1])
        if not 0 < most < 2**31:
            raise QuantityError(f"{quoted(text)}: give from 1 to 2147483647 chunks")
        return Leaving(leaving, chunks=most)
    try:
        seconds = duration(when)
    except QuantityError:
        raise QuantityError(f"{quoted(text)} {_SPELLINGS}") from None
    if not 0.0 < seconds <= YEAR:
        raise QuantityError(f"{quoted(text)}: the time must be more than 0 and at most a year")
    return Leaving(leaving, seconds=seconds)


def _spelling(text: str) -> str:
    """The text itself, which goes to the workers and into the manifest."""
    read_leaving(text)
    return text.strip()


@dataclass(frozen=True, kw_only=True)
class LeavingOptions:
    """A part of every run's options."""

    abandon: str | None = option(
        None,
        "SHARE@TIME or SHARE@CHUNKS: clients that leave, as 10%@2s or 10%@20chunks: so many hang up, so long after the "
        "start of their request or with that content chunk (default: nobody leaves)",
        kind=_spelling,
        group=Group.LEAVING,
    )

    @cached_property
    def leaving(self) -> Leaving | None:
        """Who leaves; None where nobody does."""
        return None if self.abandon is None else read_leaving(self.abandon)

    def check_leaving(self, *users: type) -> None:
        """See whether clients of these users may leave.

        Raises:
            ConfigError: they may not.
        """
        if self.abandon is not None:
            stays = next((user for user in users if not getattr(user, "may_leave", False)), None)
            if stays is not None or not users:
                who = f"clients of the workload {getattr(stays, 'workload', '')}" if stays else "users of other tools"
                raise ConfigError(f"--abandon {self.abandon}: {who} do not leave: leave it out")
