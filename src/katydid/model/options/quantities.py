"""The grammar of durations, counts and shares, for options, environment variables, forms and files. Pure.

    250ms   20s   8m   1h   1m30s     durations: units from largest to smallest, each at most once
    20                                a plain number, in the caller's unit
    5%   0.05                         shares

Each parser accepts text, or a number that was parsed before, and raises `QuantityError`, which argparse shows as it is.
"""

import re
from argparse import ArgumentTypeError
from decimal import Decimal

_SECONDS = {"h": Decimal(3600), "m": Decimal(60), "s": Decimal(1), "ms": Decimal("1e-3"), "us": Decimal("1e-6")}
_LONGEST_SHOWN = 40
"""Maximum characters of a text that a message quotes."""
_NUMBER = r"(\d+(?:\.\d*)?|\.\d+)\s*"
_DURATION = re.compile(
    rf"(?=.)(?:{_NUMBER}h\s*)?(?:{_NUMBER}m(?:in)?(?!s)\s*)?(?:{_NUMBER}s\s*)?(?:{_NUMBER}ms\s*)?(?:{_NUMBER}us\s*)?",
    re.ASCII,
)


class QuantityError(ArgumentTypeError, ValueError):
    """The text is not a valid quantity; the message is worded to follow an option's name."""


def exact_duration(text: str) -> Decimal | None:
    """Return the seconds of a duration with units, exactly; None for any other text, such as a plain number."""
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        return None
    parts = zip(found.groups(), _SECONDS.values(), strict=True)
    return sum((Decimal(number) * unit for number, unit in parts if number), Decimal(0))


def duration(text: str | float) -> float:
    """Parse a duration and return seconds; a plain number is in seconds.

    Raises:
        QuantityError: the text is not a duration.
    """
    return _duration(text, Decimal(1))


def milliseconds(text: str | float) -> float:
    """Parse a duration and return milliseconds; a plain number is in milliseconds.

    Raises:
        QuantityError: the text is not a duration.
    """
    return _duration(text, _SECONDS["ms"])


def _duration(text: str | float, unit: Decimal) -> float:
    """Parse a duration in `unit`, given in seconds; a plain number is in the same unit."""
    if isinstance(text, str) and (exact := exact_duration(text)) is not None:
        return float(exact / unit)
    try:
        return float(text)
    except ValueError:
        raise QuantityError(f"{quoted(text)} is not a duration such as 250ms, 20s or 1m30s") from None


def count(text: str | int) -> int:
    """Parse a whole number.

    Raises:
        QuantityError: the text is not a whole number.
    """
    try:
        return int(text)
    except ValueError:
        raise QuantityError(f"{quoted(text)} is not a whole number") from None


def share(text: str | float) -> float:
    """Parse a share such as `5%` or `0.05` and return a fraction; the caller checks that it is in [0, 1].

    Raises:
        QuantityError: the text is not a share.
    """
    percent = isinstance(text, str) and text.strip().endswith("%")
    try:
        return float(Decimal(str(text).strip().removesuffix("%")) / 100) if percent else float(text)
    except (ValueError, ArithmeticError):
        raise QuantityError(f"{quoted(text)} is not a share such as 5% or 0.05") from None


def quoted(text: object) -> str:
    """Quote a value for a message, shortened if it is long."""
    return repr(shortened(str(text)))


def shortened(text: str) -> str:
    """Cut a text that is too long to quote in a message."""
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def format_duration(seconds: float) -> str:
    """Format seconds exactly, as `duration` parses them: `250ms`, `20s`, `1m30s`, with decimals if needed."""
    exact = Decimal(repr(float(seconds)))
    if not exact.is_finite() or exact < 0 or exact % _SECONDS["ms"]:
        return repr(float(seconds))
    if exact < 1:
        return f"{int(exact * 1000)}ms" if exact else "0s"
    if exact % 1:
        return f"{exact.normalize():f}s"
    text = ""
    for name in ("h", "m", "s"):
        number, exact = divmod(exact, _SECONDS[name])
        text += f"{number:.0f}{name}" if number else ""
    return text
