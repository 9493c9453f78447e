"""Token counts of a run's requests: requested and actual lengths, and tokens from the target's prefix cache.

Over the successful requests that count. Knows neither reports nor rules.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from katydid.analysis.series import bin_width
from katydid.load.lengths import read_shared_prefix
from katydid.model.documents.manifest import Manifest
from katydid.model.documents.summary import CacheFound, CachePoint, LengthsFound, TokenLengths
from katydid.model.options.quantities import QuantityError
from katydid.model.values import amount

_PAIRS = {
    "input": ("target_input_tokens", "prompt_tokens"),
    "output": ("target_output_tokens", "completion_tokens"),
}


def lengths_found(counted: pd.DataFrame) -> LengthsFound | None:
    """The requested and actual lengths; None if no length was requested, or no tokens were counted."""
    ok = counted["outcome"] == "ok"
    found = {name: _lengths(counted, ok, *columns) for name, columns in _PAIRS.items()}
    return LengthsFound(**found) if any(found.values()) else None


def _lengths(counted: pd.DataFrame, ok: pd.Series, asked: str, realised: str) -> TokenLengths | None:
    if asked not in counted or counted[asked].isna().all():
        return None
    both = counted.loc[ok & (counted[asked] > 0), [asked, realised]].dropna().astype(np.float64)
    if both.empty:
        return None
    wanted, got = both[asked].to_numpy(), both[realised].to_numpy()
    return TokenLengths(
        requests=len(both),
        asked_mean=float(wanted.mean()),
        asked_sd=float(wanted.std()),
        realised_mean=float(got.mean()),
        realised_sd=float(got.std()),
        off=float(got.mean() / wanted.mean() - 1.0),
    )


@dataclass(frozen=True, slots=True)
class Own:
    """Input tokens at the beginning of every request, which a prefix cache serves without a repeated prompt.

    Attributes:
        template: tokens of the target's template, as measured by probes, including a shared system prompt.
        shared: tokens of `--shared-prefix`.
    """

    template: float = 0.0
    shared: int = 0

    @classmethod
    def of(cls, manifest: Manifest) -> "Own":
        """Read them from the manifest; both are 0 if the run made no prompts, or if the manifest is damaged."""
        calibration = manifest.get("calibration")
        found = calibration if isinstance(calibration, dict) else {}
        overhead, system = amount(found.get("overhead")) or 0.0, found.get("system")
        template = overhead + system if isinstance(system, float) else overhead  # `system` may be negative
        try:
            shared = read_shared_prefix(str((manifest.options or {}).get("shared_prefix"))).tokens
        except QuantityError:
            shared = 0
        return cls(amount(template) or 0.0, shared)


def cache_found(counted: pd.DataFrame, manifest: Manifest) -> CacheFound | None:
    """The tokens that came from a prefix cache; None if the target does not report them."""
    if not tells_of_cache(counted):
        return None
    rows, cached, prompt = cached_and_all(counted[counted["outcome"] == "ok"])
    if rows.empty:
        return None
    template = Own.of(manifest).template
    beyond = np.clip(cached - template, 0.0, None)
    rest = np.clip(prompt - template, 0.0, None)
    return CacheFound(
        requests=len(rows),
        input_tokens=int(prompt.sum()),
        cached_tokens=int(cached.sum()),
        hit_rate=_share(cached, prompt),
        beyond_template=_share(beyond, rest),
        over_time=_over_time(rows, cached, prompt),
    )


def tells_of_cache(rows: pd.DataFrame) -> bool:
    """Return True if the target reported cached tokens for any of these requests."""
    return "cached_tokens" in rows and bool(rows["cached_tokens"].notna().any())


def without_history(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows whose prompts contain no earlier turns: of conversations, the first turns."""
    if "history_tokens" not in rows:
        return rows
    history = rows["history_tokens"]
    first = rows["turn"].fillna(1) <= 1 if "turn" in rows else True  # requests outside conversations have no turn
    return rows[(history == 0) | (history.isna() & first)]


def cached_and_all(rows: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """The rows with cached tokens, those tokens, and all tokens of their prompts."""
    told = rows[rows["cached_tokens"].notna() & rows["prompt_tokens"].notna()]
    cached, prompt = (told[name].to_numpy(dtype=np.float64) for name in ("cached_tokens", "prompt_tokens"))
    return told, np.minimum(cached, prompt), prompt


def _share(part: np.ndarray, whole: np.ndarray) -> float:
    return float(part.sum() / whole.sum()) if whole.sum() else 0.0


def _over_time(rows: pd.DataFrame, cached: np.ndarray, prompt: np.ndarray) -> list[CachePoint]:
    """The hit rate of the requests that started in each bin of time; bins without tokens are left out."""
    start = rows["start_ms"].fillna(rows["scheduled_ms"]).to_numpy(dtype=np.float64).clip(min=0.0) / 1000.0
    width = bin_width(float(start.max()), len(rows))
    where = (start // width).astype(int)
    hits, all_tokens = np.bincount(where, cached), np.bincount(where, prompt)
    return [
        CachePoint(seconds=(place + 0.5) * width, hit_rate=float(hits[place] / all_tokens[place]))
        for place in np.flatnonzero(all_tokens)
    ]
