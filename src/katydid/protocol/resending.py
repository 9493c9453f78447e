"""When a request may be sent again: where its kept connection died of the idle close. Knows no socket and no clock.

A server closes a connection that has been idle for its keep-alive time-out. Where the next request crosses that close
on its way, the server never saw it, and every HTTP client sends it again on a new connection (RFC 9110, 9.2.2;
RFC 9112, 9.3.1). What dies later died at work: the server had the request, and it has failed.
"""

SHORTEST_RACE = 0.005
"""Seconds: on a network without any delay the close still has to be scheduled, sent and read."""


def lost_to_idle_close(passed: float, connect_seconds: float) -> bool:
    """Whether a kept connection that died before the first byte of an answer was closed while it was idle.

    Args:
        passed: seconds from the request's first byte handed to the kernel to the end of the connection.
        connect_seconds: that this connection took to come about: at least one round trip.
    """
    return passed <= max(SHORTEST_RACE, 2.0 * connect_seconds)


def when(passed: float) -> str:
    """The time of a death without an answer, to be put behind its reason."""
    return f", {passed:.3g} s after the request was sent"
