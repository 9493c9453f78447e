"""What it means when a WebSocket is closed before the answer is whole: the class and the text of each code."""

from katydid.model.sample import ErrorClass

_CLASSES = {
    1000: ErrorClass.TRUNCATED,
    1001: ErrorClass.TRUNCATED,
    1005: ErrorClass.TRUNCATED,
    1006: ErrorClass.TRUNCATED,
    1012: ErrorClass.OVERLOADED,
    1013: ErrorClass.OVERLOADED,
    1014: ErrorClass.OVERLOADED,
    4429: ErrorClass.RATE_LIMITED,
}
_NAMES = {
    1000: "normally",
    1001: "since it is going away",
    1002: "for a protocol error",
    1003: "for data that it does not take",
    1005: "without a reason",
    1006: "without a close frame",
    1007: "for data that is not what it says",
    1008: "for its policy",
    1009: "for a message that is too big",
    1011: "for an error of its own",
    1012: "since it restarts",
    1013: "since it is overloaded",
    1014: "for a bad gateway",
}
"""RFC 6455, 7.4.1, and IANA's registry of close codes."""


def classify_close(code: int, reason: str) -> tuple[ErrorClass, str]:
    """The failure that an early close with this code is."""
    error = _CLASSES.get(code, ErrorClass.SERVER_ERROR_EVENT)
    name = _NAMES.get(code, "for a reason of its own")
    said = f": {reason}" if reason else ""
    return error, f"the target closed {name} ({code}) before its final result{said}"
