"""`--model a=0.7,b=0.3`: which model each request asks for. Pure.

The choice depends on the seed, the user and the iteration, so both versions of a comparison get the same sequence.
"""

import math
from bisect import bisect_right
from itertools import accumulate

from katydid.load.lengths import chance
from katydid.model.errors import ConfigError

_EXAMPLE = "such as --model a=0.7,b=0.3"


class Mix:
    """A mix of models, by their shares of the requests, which add up to 1."""

    def __init__(self, shares: dict[str, float]) -> None:
        self.shares = shares
        self.models = tuple(shares)
        self.is_mixed = len(shares) > 1

    def model(self, seed: int, user: int, iteration: int) -> str:
        """Return the model of one request."""
        if not self.is_mixed:
            return self.models[0]
        ends = list(accumulate(self.shares.values()))
        place = bisect_right(ends, chance("model", seed, user, iteration) * ends[-1])
        return self.models[min(place, len(ends) - 1)]


def read_mix(text: str) -> Mix:
    """Parse a mix of models. If no part of the text ends with a weight, the whole text is one model's name.

    Raises:
        ConfigError: only some parts have a weight, a weight is not a positive number, or a model is named twice.
    """
    parts = [tuple(map(str.strip, part.rpartition("="))) for part in text.split(",")]
    weights = [_number(weight) if equals else None for _, equals, weight in parts]
    if all(weight is None for weight in weights):
        return Mix({text: 1.0})
    shares: dict[str, float] = {}
    for (name, _, said), weight in zip(parts, weights, strict=True):
        if weight is None or not name:
            raise ConfigError(f"--model {text}: {name or said!r} has no weight: give each model one, {_EXAMPLE}")
        if not (weight > 0 and math.isfinite(weight)):
            raise ConfigError(f"--model {text}: the weight of {name} must be more than 0, {_EXAMPLE}")
        if name in shares:
            raise ConfigError(f"--model {text}: {name} is named twice: name each model once")
        shares[name] = weight
    total = sum(shares.values())
    return Mix({name: weight / total for name, weight in shares.items()})


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
