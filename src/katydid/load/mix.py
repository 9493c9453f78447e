"""`--model a=0.7,b=0.3`: which model each request asks for. Pure.

The choice follows from the seed, the user and the iteration, so that both versions are asked for the same ones.
"""

import math
from bisect import bisect_right
from itertools import accumulate

from katydid.load.lengths import chance
from katydid.model.errors import ConfigError

_EXAMPLE = "as in --model a=0.7,b=0.3"


class Mix:
    """Models, and how often each is asked for.

    Args:
        shares: by model, in the order in which they were named; together 1.

    Attributes:
        models: their names.
        is_mixed: whether there is more than one.
    """

    def __init__(self, shares: dict[str, float]) -> None:
        self.shares = shares
        self.models = tuple(shares)
        self.is_mixed = len(shares) > 1

    def model(self, seed: int, user: int, iteration: int) -> str:
        """The model of one request."""
        if len(self.models) == 1:
            return self.models[0]
        ends = list(accumulate(self.shares.values()))
        place = bisect_right(ends, chance("model", seed, user, iteration) * ends[-1])
        return self.models[min(place, len(ends) - 1)]


def read_mix(text: str) -> Mix:
    """A mix, or one model: a text in which no part ends with a weight is a name as it stands.

    Raises:
        ConfigError: only some parts have a weight, a weight is none, or a model stands there twice.
    """
    parts = [tuple(map(str.strip, part.rpartition("="))) for part in text.split(",")]
    weights = [_weight(weight) if equals else None for _, equals, weight in parts]
    if all(weight is None for weight in weights):
        return Mix({text: 1.0})
    shares: dict[str, float] = {}
    for (name, _, said), weight in zip(parts, weights, strict=True):
        if weight is None or not name:
            raise ConfigError(f"--model {text}: {name or said!r} has no weight: give each model one, {_EXAMPLE}")
        if not (weight > 0 and math.isfinite(weight)):
            raise ConfigError(f"--model {text}: the weight of {name} must be more than 0, {_EXAMPLE}")
        if name in shares:
            raise ConfigError(f"--model {text}: {name} stands there twice: name each model once")
        shares[name] = weight
    total = sum(shares.values())
    return Mix({name: weight / total for name, weight in shares.items()})


def _weight(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
