"""How long to hold back after a refusal: exponential with full jitter (Brooker, "Exponential Backoff And Jitter")."""

FIRST = 1.0
"""Seconds that the first delay may be at most."""
LONGEST = 60.0


def backoff_delay(attempt: int, luck: float, asked: float | None = None) -> float:
    """Seconds until the next try.

    Args:
        attempt: tries before this refusal, from 0.
        luck: in [0, 1), evenly distributed, so that clients that were refused together do not return together.
        asked: seconds that the server asks for (`Retry-After`); no try comes before that.
    """
    delay = luck * min(LONGEST, FIRST * 2.0 ** min(attempt, 30))
    return delay if asked is None else asked + delay
