"""How many tokens the target counts for generated text: a fixed overhead for its template, plus a rate per unit. Pure.

Two probes of known text give both numbers, as the target counts them. During the run they are corrected only if they
are significantly wrong, so versions of a target that count alike get the same prompts.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

FEWEST = 32
"""Minimum number of answers for a correction."""
TOLERATED = 0.01
"""Fraction of the tokens by which prompts may be off before they are corrected."""
_BEYOND_CHANCE = 4.0
"""Standard errors by which the mean must be off before it is corrected."""
_LEAST_PER_UNIT, _MOST_PER_UNIT = 0.2, 20.0
"""Plausible tokens per common word; a number outside this range is not a token count."""


@dataclass(slots=True)
class Calibration:
    """How the target counts tokens.

    Attributes:
        overhead: tokens that the target's template adds to the text of a prompt.
        per_unit: tokens per unit of text.
        source: `none`, `target` (its count of probes), `tokenizer`, or `both` (text by a tokenizer, template by the
            target's count).
        corrections: number of corrections made in this process.
        following: tokens that the template adds to an answer and the question that follows it; None if not measured.
        system: tokens that the template adds to a system prompt; negative if the system prompt replaces a longer
            default. None if not measured.
    """

    overhead: float = 0.0
    per_unit: float = 1.0
    source: str = "none"
    corrections: int = 0
    following: float | None = None
    system: float | None = None
    _count: int = 0
    _sums: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    """Sums of units, tokens, deviations and squared deviations."""

    def units(self, tokens: int, *, follows: bool = False) -> int:
        """Return the units of text for a prompt, or a follow-up question, of `tokens` tokens; at least 1."""
        return max(1, round((tokens - self._around(follows=follows)) / self.per_unit))

    def tokens(self, units: int, *, follows: bool = False) -> int:
        """Return the tokens of a prompt, or a follow-up question, with `units` units of text."""
        return math.ceil(self._around(follows=follows) + self.per_unit * units - 1e-9)

    def _around(self, *, follows: bool) -> float:
        return self.overhead if not follows or self.following is None else self.following

    def observe(self, units: int, tokens: int) -> None:
        """Record the target's count for one request; correct `per_unit` if it is significantly wrong."""
        deviation = tokens - self.overhead - self.per_unit * units
        self._count += 1
        new = (units, tokens, deviation, deviation * deviation)
        self._sums = tuple(known + more for known, more in zip(self._sums, new, strict=True))  # type: ignore[assignment]
        if self._count < FEWEST or self.source in {"tokenizer", "both"}:
            return
        all_units, all_tokens, off, squares = self._sums
        mean = off / self._count
        error = math.sqrt(max(0.0, squares / self._count - mean * mean) / self._count)
        if abs(off) <= TOLERATED * all_tokens or abs(mean) <= _BEYOND_CHANCE * error:
            return
        per_unit = (all_tokens - self._count * self.overhead) / all_units
        self._count, self._sums = 0, (0.0, 0.0, 0.0, 0.0)
        if _LEAST_PER_UNIT <= per_unit <= _MOST_PER_UNIT:
            self.per_unit = per_unit
            self.corrections += 1

    def as_dict(self) -> dict[str, object]:
        """Return plain values for a message and the manifest."""
        found = asdict(self)
        known = {key: value for key, value in found.items() if value is not None}
        return {key: value for key, value in known.items() if not key.startswith("_") and key != "corrections"}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> "Calibration":
        """Inverse of `as_dict`."""
        return cls(**value)


def calibrated(probes: list[tuple[int, int | None]], *, tokenizer: bool) -> Calibration:
    """Return the calibration that the target's counts of the probes give.

    Args:
        probes: (units, tokens) of each probe, shortest first; tokens is None if the target did not count them.
        tokenizer: True if units are already tokens, so that only the template's overhead is unknown.
    """
    counted = [(units, tokens) for units, tokens in probes if tokens]
    if tokenizer:
        overhead = max(0.0, min((tokens - units for units, tokens in counted), default=0))
        return Calibration(float(overhead), 1.0, "both" if counted else "tokenizer")
    if not counted:
        return Calibration()
    (units, tokens), (more_units, more_tokens) = counted[0], counted[-1]
    per_unit = (more_tokens - tokens) / (more_units - units) if more_units > units else 1.0
    if not _LEAST_PER_UNIT <= per_unit <= _MOST_PER_UNIT:
        return Calibration()
    return Calibration(max(0.0, tokens - per_unit * units), per_unit, "target")
