"""Decide whether a request may be resent: only if the server closed its kept connection as idle. Knows no clock.

A server closes a connection after its keep-alive timeout. If the next request is already on its way, the server never
sees it, and every HTTP client resends it on a new connection (RFC 9110, 9.2.2; RFC 9112, 9.3.1). If the connection
closes later, the server had the request, and the request has failed.
"""

SHORTEST_RACE = 0.005
"""Seconds: even without network delay, the close has to be scheduled, sent and read."""


def lost_to_idle_close(passed: float, connect_seconds: float) -> bool:
    """Return True if a kept connection that ended before the first byte of a response was closed as idle.

    Args:
        passed: seconds from handing the request's first byte to the kernel to the end of the connection.
        connect_seconds: the time that connecting took: at least one round trip.
    """
    return passed <= max(SHORTEST_RACE, 2.0 * connect_seconds)


def when(passed: float) -> str:
    """When a connection ended without a response, to append to the error message."""
    return f", {passed:.3g} s after the request was sent"
