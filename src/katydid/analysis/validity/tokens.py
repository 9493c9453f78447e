"""What a run's requests had in tokens: lengths asked for and realised, and what came from the target's prefix cache.

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
    """Lengths asked for and realised; None where no length was asked for, or none was counted."""
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
    """Input tokens of each request that every request of its group begins with.

    Attributes:
        template: the target's own, as the probes measured it, that of a shared system prompt included.
        shared: of `--shared-prefix`.
    """

    template: float = 0.0
    shared: int = 0

    @classmethod
    def of(cls, manifest: Manifest) -> "Own":
        """Of a run; nothing where it did not make its prompts, or its manifest does not say it as it should."""
        calibration = manifest.get("calibration")
        found = calibration if isinstance(calibration, dict) else {}
        overhead, system = amount(found.get("overhead")) or 0.0, found.get("system")
        template = overhead + system if isinstance(system, float) else overhead  # that of a system prompt may be less
        try:
            shared = read_shared_prefix(str((manifest.options or {}).get("shared_prefix"))).tokens
        except QuantityError:
            shared = 0
        return cls(amount(template) or 0.0, shared)


def cache_found(counted: pd.DataFrame, manifest: Manifest) -> CacheFound | None:
    """What came from a prefix cache; None where the target does not say."""
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
    """Whether the target said of any of these requests what came from its cache."""
    return "cached_tokens" in rows and bool(rows["cached_tokens"].notna().any())


def without_history(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows whose prompts repeat nothing that was said before: of conversations, their first turns."""
    if "history_tokens" not in rows:
        return rows
    history = rows["history_tokens"]
    first = rows["turn"].fillna(1) <= 1 if "turn" in rows else True  # no turn is told of what is no conversation
    return rows[(history == 0) | (history.isna() & first)]


def cached_and_all(rows: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """The rows that tell of a cache, their cached tokens and all tokens of their prompts, of which those are a part."""
    told = rows[rows["cached_tokens"].notna() & rows["prompt_tokens"].notna()]
    cached, prompt = (told[name].to_numpy(dtype=np.float64) for name in ("cached_tokens", "prompt_tokens"))
    return told, np.minimum(cached, prompt), prompt


def _share(part: np.ndarray, whole: np.ndarray) -> float:
    return float(part.sum() / whole.sum()) if whole.sum() else 0.0


def _over_time(rows: pd.DataFrame, cached: np.ndarray, prompt: np.ndarray) -> list[CachePoint]:
    """The hit rate of the requests that started in each bin of time that has any."""
    start = rows["start_ms"].fillna(rows["scheduled_ms"]).to_numpy(dtype=np.float64).clip(min=0.0) / 1000.0
    width = bin_width(float(start.max()), len(rows))
    where = (start // width).astype(int)
    hits, all_tokens = np.bincount(where, cached), np.bincount(where, prompt)
    return [
        CachePoint(seconds=(place + 0.5) * width, hit_rate=float(hits[place] / all_tokens[place]))
        for place in np.flatnonzero(all_tokens)
    ]
