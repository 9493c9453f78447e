"""Whether streamed answers came as streams, or all at their end."""

import numpy as np

from katydid.analysis.validity.rule import Run
from katydid.model.documents.summary import Finding
from katydid.model.formatting import fraction

_AT_THE_END = 0.9
"""Of the time of a request, from which on a TTFT says that the answer came at its end."""
_MOST = 0.5
_FEWEST_CHUNKS, _FEWEST_ANSWERS = 5, 3
_LONG_MS = 100.0
"""A shorter answer may come in one piece without anybody holding it back."""
_TOGETHER_MS = 2.0
"""Between chunks: no service makes tokens of one answer that fast, but a buffer that is emptied sends them so."""


def buffered(run: Run) -> Finding | None:
    """Most answers came whole at their end: something on the way kept them until then."""
    rows = run.counted
    times = rows.reindex(columns=["chunks", "ttft_ms", "duration_ms"]).astype(np.float64)
    times = times[(rows["outcome"] == "ok") & (times["chunks"] >= _FEWEST_CHUNKS) & (times["duration_ms"] >= _LONG_MS)]
    if len(times) < _FEWEST_ANSWERS:
        return None
    gaps = (times["duration_ms"] - times["ttft_ms"]) / (times["chunks"] - 1)
    kept = (times["ttft_ms"] >= _AT_THE_END * times["duration_ms"]) & (gaps < _TOGETHER_MS)
    if kept.mean() <= _MOST:
        return None
    return Finding(
        "warning",
        f"something buffers the stream: in {fraction(kept.mean())} of the answers all chunks came within the last "
        f"tenth of the time (in the median, TTFT {times['ttft_ms'].median():.0f} of "
        f"{times['duration_ms'].median():.0f} ms)",
        "see whether a proxy, a gateway or compression between here and the target holds answers back",
    )
