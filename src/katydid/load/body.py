"""Fields of a request's body beyond its prompt: those that a person sets or takes out, and those a target refuses.

`--body KEY=VALUE` changes the body that a dialect has made. What a target refuses in the first request of a run is
left out of all of them (`Adaptation`), so that a run needs no option for a server's taste.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from katydid.model.errors import ConfigError
from katydid.model.redact import MASK, is_secret_name

REMOVED = object()
"""The value of a field that is taken out."""
OPTIONAL = ("temperature", "seed", "stream_options", "store")
"""Fields of ours that a request works without."""
FORCING = ("min_tokens", "ignore_eos")
"""Fields that make answers as long as asked, of which few servers know."""
LIMIT, NEW_LIMIT = "max_tokens", "max_completion_tokens"
"""The longest answer, as most servers call it, and as OpenAI's newer models do."""
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
    """One `--body`.

    Attributes:
        path: names of members, from the outermost.
        value: JSON, or `REMOVED`.
    """

    path: tuple[str, ...]
    value: Any

    def put_into(self, body: dict[str, object]) -> None:
        """Change a body.

        Raises:
            ConfigError: the path leads through what is not an object.
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
    """The fields of `--body`, one a line.

    Raises:
        ConfigError: one is not KEY=VALUE, or is not for a person to set.
    """
    return tuple(_field(name, value) for name, value in _lines(text))


def _field(name: str, value: str) -> BodyField:
    path = tuple(name.split("."))
    if not all(path):
        raise ConfigError(f"--body {name!r} is not KEY=VALUE, as in top_p=0.9 or response_format.type=json_object")
    if len(path) == 1 and name in _KEPT:
        raise ConfigError(f"--body {name}: the workload and the prompts say it; leave it out")
    return BodyField(path, _value(value) if value else REMOVED)


def _value(text: str) -> object:
    """JSON, else text."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return text


def _refuse(constant: str) -> object:
    """NaN and Infinity are not JSON."""
    raise ValueError(constant)


def _lines(text: str | None) -> Iterator[tuple[str, str]]:
    for line in (text or "").splitlines():
        name, equals, value = line.partition("=")
        if equals:
            yield name.strip(), value.strip()
        elif line.strip():
            raise ConfigError(f"--body {line.strip()!r} is not KEY=VALUE, as in top_p=0.9; KEY= takes a field out")


def shown_fields(text: str | None) -> str | None:
    """The option as others may read it: without the values of fields that are secret by their names."""
    shown = []
    for line in (text or "").splitlines():
        name, equals, value = (part.strip() for part in line.partition("="))
        secret = value and any(map(is_secret_name, name.split(".")))
        shown.append(name + equals + (MASK if secret else value))
    return "\n".join(line for line in shown if line) or None


def harmless_fields(fields: tuple[BodyField, ...]) -> tuple[BodyField, ...]:
    """Those whose names say of no secret."""
    return tuple(field for field in fields if not _is_secret(field))


def secret_values(fields: tuple[BodyField, ...]) -> list[str]:
    """Texts that must never be shown: values whose names say so."""
    return [field.value for field in fields if _is_secret(field)]


def _is_secret(field: BodyField) -> bool:
    return isinstance(field.value, str) and any(map(is_secret_name, field.path))


@dataclass(frozen=True, slots=True)
class Adaptation:
    """What a target refuses of our own fields.

    Attributes:
        renamed: the longest answer goes by its newer name.
        left_out: fields that are not sent.
    """

    renamed: bool = False
    left_out: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is any."""
        return self.renamed or bool(self.left_out)

    def __or__(self, other: "Adaptation") -> "Adaptation":
        """What either refuses."""
        return Adaptation(self.renamed or other.renamed, tuple(dict.fromkeys((*self.left_out, *other.left_out))))

    def __str__(self) -> str:
        """For a line that tells it."""
        said = [f"{LIMIT} sent as {NEW_LIMIT}"] if self.renamed else []
        return "; ".join([*said, *([f"left out: {', '.join(self.left_out)}"] if self.left_out else [])])

    def change(self, body: dict[str, object]) -> None:
        """Change a body."""
        for name in self.left_out:
            body.pop(name, None)
        if self.renamed and LIMIT in body:
            body[NEW_LIMIT] = body.pop(LIMIT)

    def as_dict(self) -> dict[str, object]:
        """Plain values, for a message and the manifest."""
        return {"renamed": self.renamed, "left_out": list(self.left_out)}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any] | None) -> "Adaptation":
        """What `as_dict` gave."""
        return cls(value["renamed"], tuple(value["left_out"])) if value else cls()


def adapted(known: Adaptation, body: Mapping[str, object], own: frozenset[str], words: str) -> Adaptation | None:
    """What else a target refuses; None where its words tell nothing that can be left out.

    Args:
        known: what was found before.
        body: the request that it refused.
        own: outermost names of fields that the person has set, which are not for us to leave out.
        words: of its answer, whole.
    """
    if LIMIT in body and LIMIT not in own and re.search(rf"\b{NEW_LIMIT}\b", words):
        return Adaptation(renamed=True, left_out=known.left_out)
    ours = [name for name in (*FORCING, *OPTIONAL) if name in body and name not in own]
    named = [name for name in ours if re.search(rf"(?<![\w.]){name.replace('_', '_?')}(?!\w)", words, re.IGNORECASE)]
    if not named and _ABOUT_FIELDS.search(words):
        named = [name for name in ours if name in FORCING] or ours  # a field is refused, and it does not say which
    return Adaptation(known.renamed, (*known.left_out, *named)) if named else None


def is_too_short(words: str) -> bool:
    """Whether a refusal only says that so short an answer has no room for the model's reasoning."""
    return bool(_NO_ROOM.search(words))
