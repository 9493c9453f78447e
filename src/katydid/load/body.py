"""Fields of a request's body besides its prompt: the model, what `--body` sets or removes, what the target rejects.

`--body KEY=VALUE` changes the body that a dialect built. Fields that the target rejects in the first request of a run
are left out of all later ones (`Adaptation`), so a run needs no options for each server's quirks.
"""

import math
import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from katydid.load.lengths import chance
from katydid.load.prompts.json_values import DECODER
from katydid.model.errors import ConfigError
from katydid.model.redact import MASK, is_secret_name

REMOVED = object()
"""The value of a field that is to be removed."""
OPTIONAL = ("temperature", "seed", "stream_options", "store")
"""Katydid's own fields that a request can do without."""
FORCING = ("min_tokens", "ignore_eos")
"""Fields that force the requested answer length; few servers support them."""
LIMIT, NEW_LIMIT = "max_tokens", "max_completion_tokens"
"""The answer's token limit: the name that most servers use, and the name that OpenAI's newer models require."""
_KEPT = frozenset({"stream", "messages"})
_NO_ROOM = re.compile(r"could not finish the message|(?:output|token) limit was reached", re.IGNORECASE)
_ABOUT_FIELDS = re.compile(
    r"\b(?:extra|unknown|unsupported|unrecognized|unrecognised|unexpected)\b.{0,40}"
    r"\b(?:argument|field|input|key|keyword|param|parameter|property|request)|"
    r"\b(?:argument|field|input|key|param|parameter|propert)\w*\b.{0,40}"
    r"\b(?:not permitted|not allowed|not supported|unsupported|unknown)",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class BodyField:
    """One `--body` option.

    Attributes:
        path: member names, outermost first.
        value: a JSON value, or `REMOVED`.
    """

    path: tuple[str, ...]
    value: Any

    @property
    def is_secret(self) -> bool:
        """Return True if the value must never be shown."""
        return isinstance(self.value, str) and any(map(is_secret_name, self.path))

    def put_into(self, body: dict[str, object]) -> None:
        """Set or remove the field in `body`.

        Raises:
            ConfigError: a member on the path is not an object.
        """
        *outer, last = self.path
        place = body
        for name in outer:
            inner = place.setdefault(name, {}) if self.value is not REMOVED else place.get(name, {})
            if not isinstance(inner, dict):
                raise ConfigError(f"--body {'.'.join(self.path)}: {name} is not an object in the request")
            place = inner
        if self.value is REMOVED:
            place.pop(last, None)
        else:
            place[last] = self.value


def body_fields(text: str | None) -> tuple[BodyField, ...]:
    """Parse the value of `--body`, one field per line: JSON, or else text.

    Raises:
        ConfigError: a line is not KEY=VALUE, or names a field that `--body` may not set.
    """
    fields = []
    for line in (text or "").splitlines():
        name, equals, value = map(str.strip, line.partition("="))
        path = tuple(name.split("."))
        if not line.strip():
            continue
        if not equals:
            raise ConfigError(f"--body {name!r} is not KEY=VALUE, such as top_p=0.9; KEY= removes a field")
        if not all(path):
            raise ConfigError(
                f"--body {name!r} is not KEY=VALUE, such as top_p=0.9 or response_format.type=json_object"
            )
        if name in _KEPT:
            raise ConfigError(f"--body {name}: the workload and the prompts set this field: leave it out")
        fields.append(BodyField(path, _value(value) if value else REMOVED))
    return tuple(fields)


def _value(text: str) -> object:
    try:
        return DECODER.decode(text)
    except (ValueError, RecursionError):
        return text


def shown_fields(text: str | None) -> str | None:
    """Return the option for display, with the values of secret fields masked."""
    shown = []
    for line in (text or "").splitlines():
        name, equals, value = map(str.strip, line.partition("="))
        secret = value and any(map(is_secret_name, name.split(".")))
        shown.append(name + equals + (MASK if secret else value))
    return "\n".join(filter(None, shown)) or None


def fields_without_secrets(fields: tuple[BodyField, ...]) -> tuple[BodyField, ...]:
    """Return the fields that are not secret."""
    return tuple(field for field in fields if not field.is_secret)


def secret_values(fields: tuple[BodyField, ...]) -> list[str]:
    """Return the values of secret fields, which must never be shown."""
    return [field.value for field in fields if field.is_secret]


@dataclass(frozen=True, slots=True)
class Adaptation:
    """Changes to request bodies that the target requires.

    Attributes:
        renamed: True if the token limit is sent under its newer name.
        left_out: fields that the target rejects and that are not sent.
    """

    renamed: bool = False
    left_out: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Return True if there is any change."""
        return self.renamed or bool(self.left_out)

    def __or__(self, other: "Adaptation") -> "Adaptation":
        """Combine two adaptations."""
        return Adaptation(self.renamed or other.renamed, tuple(dict.fromkeys((*self.left_out, *other.left_out))))

    def __str__(self) -> str:
        """Return one line for messages."""
        renamed = f"{LIMIT} sent as {NEW_LIMIT}" if self.renamed else ""
        left_out = f"left out: {', '.join(self.left_out)}" if self.left_out else ""
        return "; ".join(filter(None, (renamed, left_out)))

    def change(self, body: dict[str, object]) -> None:
        """Apply the changes to `body`."""
        for name in self.left_out:
            body.pop(name, None)
        if self.renamed and LIMIT in body:
            body[NEW_LIMIT] = body.pop(LIMIT)

    def as_dict(self) -> dict[str, object]:
        """Return plain values for a message and the manifest."""
        return {"renamed": self.renamed, "left_out": list(self.left_out)}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any] | None) -> "Adaptation":
        """Inverse of `as_dict`."""
        return cls(value["renamed"], tuple(value["left_out"])) if value else cls()


def adapted(known: Adaptation, body: Mapping[str, object], own: frozenset[str], words: str) -> Adaptation | None:
    """Return the adaptation that a rejection calls for, or None if it names nothing that can be left out.

    Args:
        known: the adaptation so far.
        body: the rejected request.
        own: outermost names of the fields that the user set, which must stay.
        words: the full text of the target's answer.
    """
    if LIMIT in body and LIMIT not in own and re.search(rf"\b{NEW_LIMIT}\b", words):
        return Adaptation(renamed=True, left_out=known.left_out)
    ours = [name for name in (*FORCING, *OPTIONAL) if name in body and name not in own]
    named = [name for name in ours if re.search(rf"(?<![\w.]){name.replace('_', '_?')}(?!\w)", words, re.IGNORECASE)]
    if not named and _ABOUT_FIELDS.search(words):
        named = [name for name in ours if name in FORCING] or ours  # the answer does not say which field it rejects
    return Adaptation(known.renamed, (*known.left_out, *named)) if named else None


def is_too_short(words: str) -> bool:
    """Return True if the target only says that the token limit leaves no room after the model's reasoning."""
    return bool(_NO_ROOM.search(words))


_EXAMPLE = "such as --model a=0.7,b=0.3"


class Mix:
    """`--model a=0.7,b=0.3`: the models that requests ask for, by their shares of the requests, which add up to 1.

    The choice depends on the seed, the user and the iteration, so both versions of a comparison get the same sequence.
    """

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
