"""How many tokens a target counts for made text: its template's, and so many for each unit of text. Pure.

Two probes of known text give both numbers, by the target's own count. They are only corrected in the run where they
are wrong beyond chance, so that versions of a target that count alike get the same prompts.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

FEWEST = 32
"""Answers that a correction is made from."""
TOLERATED = 0.01
"""Of the tokens: prompts that are longer or shorter by more are corrected."""
_BEYOND_CHANCE = 4.0
"""Standard errors."""
_LEAST_PER_UNIT, _MOST_PER_UNIT = 0.2, 20.0
"""What a tokenizer makes of a common word; what is beyond is not a count of tokens."""


@dataclass(slots=True)
class Calibration:
    """Tokens as the target counts them.

    Attributes:
        overhead: tokens of the target's template, beside the text.
        per_unit: tokens of a unit of text.
        source: `none`, `target` (its count of probes), `tokenizer`, or `both` (a tokenizer, and the template by the
            target's count).
        corrections: made in this process.
        following: tokens of the template for a question that follows an answer, beside their texts; None where nobody
            has measured them.
        system: the same for a system prompt; negative where it takes the place of a longer one of the template's own.
    """

    overhead: float = 0.0
    per_unit: float = 1.0
    source: str = "none"
    corrections: int = 0
    following: float | None = None
    system: float | None = None
    _count: int = 0
    _sums: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    """Of units, tokens, deviations and their squares."""

    def units(self, tokens: int, *, follows: bool = False) -> int:
        """Units of text in a prompt of so many tokens, or in a question that follows an answer; at least 1."""
        return max(1, round((tokens - self._around(follows=follows)) / self.per_unit))

    def tokens(self, units: int, *, follows: bool = False) -> int:
        """Tokens of a prompt with so many units of text, or of a question that follows an answer."""
        return math.ceil(self._around(follows=follows) + self.per_unit * units - 1e-9)

    def _around(self, *, follows: bool) -> float:
        return self.overhead if not follows or self.following is None else self.following

    def observe(self, units: int, tokens: int) -> None:
        """Take the count of an answer; correct what a unit is where the counts say that it is wrong."""
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
        """Plain values, for a message and the manifest."""
        found = asdict(self)
        known = {key: value for key, value in found.items() if value is not None}
        return {key: value for key, value in known.items() if not key.startswith("_") and key != "corrections"}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> "Calibration":
        """What `as_dict` gave."""
        return cls(**value)


def calibrated(probes: list[tuple[int, int | None]], *, tokenizer: bool) -> Calibration:
    """What the target's counts of probes say.

    Args:
        probes: (units, tokens) of each, the shorter first; tokens None where the target did not count them.
        tokenizer: units are tokens already, and only the template is unknown.
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
