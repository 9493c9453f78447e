"""`--abandon`: clients that leave. Which requests are abandoned, and when. Pure.

10%@2s          one client in ten hangs up 2 s after its request started
10%@20chunks    one client in ten hangs up at the 20th content chunk
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
    """Which share of the clients leaves, and when; either `seconds` or `chunks` is set.

    Attributes:
        share: share of all requests, more than 0 and at most 1.
        seconds: time from the request's start to the hang-up.
        chunks: number of content chunks at which the client hangs up.
    """

    share: float
    seconds: float | None = None
    chunks: int | None = None

    def leaves(self, seed: int, user: int, iteration: int) -> bool:
        """Return True if the client of this request leaves; the same in every run with the same seed."""
        return random.Random(f"{seed} leaves {user} {iteration}").random() < self.share  # noqa: S311 - a choice, not a secret


def read_leaving(text: str) -> Leaving:
    """Parse `--abandon`.

    Raises:
        QuantityError: the text is not SHARE@TIME or SHARE@CHUNKS.
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
    """Check the text and return it as it is, for the workers and the manifest."""
    read_leaving(text)
    return text.strip()


@dataclass(frozen=True, kw_only=True)
class LeavingOptions:
    """Options of every run: clients that leave."""

    abandon: str | None = option(
        None,
        "SHARE@TIME or SHARE@CHUNKS, such as 10%@2s or 10%@20chunks: this share of the clients hangs up this long "
        "after the start of the request, or at this content chunk (default: no client leaves)",
        kind=_spelling,
        group=Group.LEAVING,
    )

    @cached_property
    def leaving(self) -> Leaving | None:
        """The parsed `--abandon`; None if no client leaves."""
        return None if self.abandon is None else read_leaving(self.abandon)

    def check_leaving(self, *users: type) -> None:
        """Check that clients of these user classes may leave.

        Raises:
            ConfigError: `--abandon` is given and a class does not support it.
        """
        if self.abandon is not None:
            stays = next((user for user in users if not getattr(user, "may_leave", False)), None)
            if stays is not None or not users:
                who = f"the workload {getattr(stays, 'workload', '')} does" if stays else "users of other tools do"
                raise ConfigError(f"--abandon {self.abandon}: {who} not support it: omit the option")
