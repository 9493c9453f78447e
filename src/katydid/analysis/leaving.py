"""What the target does for clients that have left, in one sentence: of what was watched after the load. Pure."""

from katydid.model.documents.leaving import LeavingFound
from katydid.model.documents.manifest import Manifest
from katydid.model.formatting import milliseconds

COMPUTES = 0.5
"""Of what was left of the answer: a slot that stays taken for that long is being computed in."""
SHORTEST_REST_MS = 100.0
"""Of an answer of which less was left, its end and its client's leaving cannot be told apart."""


def leaving_found(manifest: Manifest) -> LeavingFound | None:
    """The finding; None of a run whose clients all stay."""
    record = manifest.leaving
    if record is None:
        asked = (manifest.options or {}).get("abandon") is not None
        return _unseen("it is watched after a load that came to its end") if asked else None
    if record.why or not record.departed or record.rest_ms is None:
        return _unseen(record.why or "no client left")
    rest = record.rest_ms
    if rest < SHORTEST_REST_MS:
        return _unseen("the answers end when their clients leave: have them leave earlier")
    lows, highs = ([getattr(each, key) for each in record.departed] for key in ("low_ms", "high_ms"))
    high = None if None in highs else max(highs)
    long = [low for low in lows if low >= COMPUTES * rest]
    if 2 * len(long) > len(lows) or high is None:
        low = min(long, default=max(lows))
        text = f"The target goes on computing for clients that have left (≥ {milliseconds(low)})."
        return LeavingFound("computes", text, record.source, low, high, rest)
    text = f"The target frees the slot of a client that has left within {milliseconds(high)}."
    return LeavingFound("frees", text, record.source, min(lows), high, rest)


def _unseen(why: str) -> LeavingFound:
    return LeavingFound("unseen", f"What the target does for clients that have left could not be seen: {why}.")
