"""What a target does for clients that have left: as it was watched, and as it is told. Pure."""

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from katydid.model.documents.base import Part

Milliseconds = Annotated[float, Meta(ge=0, le=1e15)]
Source = Literal["metrics", "slots", "probe"]


class Departed(Struct, frozen=True):
    """One client that left while nobody else was there. Times from its hanging up.

    Attributes:
        low_ms: its slot was taken until then at least.
        high_ms: its slot was seen free; null where it was not, for as long as anybody looked.
    """

    low_ms: Milliseconds
    high_ms: Milliseconds | None = None


class LeavingRecord(Part, kw_only=True, frozen=True):
    """What was watched after the load.

    Attributes:
        source: what showed it: `metrics` or `slots` of the target, or the first token of a `probe` request.
        rest_ms: what was left of the answers when their clients hung up, by that of a client that stayed.
        departed: the clients that left.
        why: nothing could be seen; empty where it could.
    """

    source: Source | None = None
    rest_ms: Milliseconds | None = None
    departed: list[Departed] = field(default_factory=list)
    why: str = ""


class LeavingFound(Struct, frozen=True):
    """What the target does.

    Attributes:
        outcome: `frees` its slot, `computes` on, or `unseen`.
        text: one sentence.
        source: as it was watched.
        low_ms: slots stay taken so long at least.
        high_ms: and so long at most; null where nobody saw them free.
        rest_ms: as it was watched.
    """

    outcome: Literal["frees", "computes", "unseen"]
    text: str
    source: Source | None = None
    low_ms: Milliseconds | None = None
    high_ms: Milliseconds | None = None
    rest_ms: Milliseconds | None = None
