"""The part of a trace that is replayed, as people write it: `10m`, `1h-1h30m`. Pure."""

import math

from katydid.model.options.quantities import QuantityError, duration, format_duration, quoted


def read_window(text: str) -> tuple[float, float]:
    """Begin and end in seconds of the trace, from its first request; `10m` is its first ten minutes.

    Raises:
        QuantityError: it is no window.
    """
    first, dash, last = text.strip().rpartition("-")
    try:
        begin, end = duration(first) if dash else 0.0, duration(last)
    except QuantityError:
        raise QuantityError(f"{quoted(text)} is not a window such as 10m or 1h-1h30m") from None
    if not (0 <= begin < end and math.isfinite(end)):
        raise QuantityError(f"{quoted(text)} needs an end after its begin, both from the trace's first request")
    return begin, end


def window(text: str) -> str:
    """A window, checked and spelled in one way: the kind of an option.

    Raises:
        QuantityError: see `read_window`.
    """
    begin, end = read_window(text)
    return f"{format_duration(begin)}-{format_duration(end)}"
