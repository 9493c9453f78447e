"""What a run in stages offered: its statistics are over its stages, not over the pauses between them."""

from typing import Any


def staged_load(manifest: dict[str, Any]) -> tuple[float, float] | None:
    """Seconds that count, and requests that were due in them; None for a run without stages."""
    stages = manifest.get("stages")
    interval = manifest.get("interval_s")
    if not stages or not interval:
        return None
    lengths = [(s["users"], max(0.0, s["end_ms"] - s["settled_ms"]) / 1000.0) for s in stages]
    return sum(length for _, length in lengths), sum(users * length / interval for users, length in lengths)
