"""Typed JSON documents: known keys are attributes, checked once on reading; unknown keys are kept. Pure.

A document is also a mapping: `manifest.users` and `manifest["users"]` are the same value, so notebooks and external
workloads do not need Katydid's types.
"""

from collections.abc import ItemsView, Iterator, KeysView
from functools import cache, cached_property
from typing import Any, ClassVar, Self, TypeVar

import msgspec

from katydid.model.errors import KatydidError

Kind = TypeVar("Kind")

SCHEMA_VERSION = 1
"""Version of all documents; it changes when the meaning of an existing key changes."""


class DocumentError(KatydidError):
    """The JSON is not a document of this type; the message says which key is wrong, and why."""


class Part(msgspec.Struct, kw_only=True, frozen=True):
    """An object inside a document."""


class Document(msgspec.Struct, kw_only=True, frozen=True, dict=True, omit_defaults=True):
    """A whole document.

    An attribute without a default is a key that this version always writes; an attribute that equals its default is not
    written. Documents from earlier versions may lack nullable keys and the keys in EARLIER.
    """

    EARLIER: ClassVar[dict[str, object]] = {"schema_version": SCHEMA_VERSION}
    """Values of keys that earlier versions did not write."""

    @classmethod
    def read(cls, source: object) -> Self:
        """Convert a JSON value to a document.

        Args:
            source: the parsed JSON. It is kept, so that writing the document again keeps all its keys.

        Raises:
            DocumentError: it is not a document of this type; the message does not name the file.
        """
        if not isinstance(source, dict):
            raise DocumentError("not a JSON object")
        try:
            document = msgspec.convert({**_missing(cls), **source}, cls)
        except msgspec.ValidationError as error:
            raise DocumentError(_in_words(error)) from None
        vars(document)["json"] = source
        return document

    @classmethod
    def of(cls, **keys: object) -> Self:
        """Create a document with these keys; their values may be Katydid's types.

        Raises:
            DocumentError: a key has the wrong type or is missing.
        """
        return cls.read(msgspec.to_builtins({"schema_version": SCHEMA_VERSION, **keys}, enc_hook=_plain))

    @classmethod
    def parse(cls, text: bytes) -> Self:
        """Convert the content of a file to a document.

        Raises:
            DocumentError: it is not JSON, or not a document of this type.
        """
        try:
            return cls.read(msgspec.json.decode(text))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise DocumentError(f"not JSON: {error}" if str(error) else "not JSON") from None

    @cached_property
    def json(self) -> dict[str, Any]:
        """The JSON object: the original if it was read, else built from the attributes; nested documents likewise."""
        told: dict[str, Any] = msgspec.to_builtins(self, enc_hook=_plain)
        parts = ((name, getattr(self, name)) for name in self.__struct_fields__)
        return told | {name: part.json for name, part in parts if isinstance(part, Document)}

    def part(self, key: str, kind: type[Kind]) -> Kind | None:
        """Return the value of an optional key as `kind`, or None if it is missing.

        Raises:
            DocumentError: the value is of another type.
        """
        if self.json.get(key) is None:
            return None
        try:
            return msgspec.convert(self.json[key], kind)
        except msgspec.ValidationError as error:
            raise DocumentError(f"{key}: {_in_words(error)}") from None

    def added(self, **keys: object) -> Self:
        """Return a copy with keys added or replaced.

        Raises:
            DocumentError: a key has the wrong type.
        """
        return self.read({**self.json, **msgspec.to_builtins(keys, enc_hook=_plain)})

    # As a mapping

    def __getitem__(self, key: str) -> Any:
        return self.json[key]

    def __contains__(self, key: object) -> bool:
        return key in self.json

    def __iter__(self) -> Iterator[str]:
        return iter(self.json)

    def __len__(self) -> int:
        return len(self.json)

    def keys(self) -> KeysView[str]:
        """See `dict.keys`."""
        return self.json.keys()

    def items(self) -> ItemsView[str, Any]:
        """See `dict.items`."""
        return self.json.items()

    def get(self, key: str, default: object = None) -> Any:
        """See `dict.get`."""
        return self.json.get(key, default)


@cache
def _missing(kind: type[Document]) -> dict[str, object]:
    """Return default values for keys that a document of an earlier version may lack."""
    fields = msgspec.structs.fields(kind)
    return {f.encode_name: None for f in fields if f.required and _may_be_null(f.type)} | kind.EARLIER


def _may_be_null(kind: object) -> bool:
    try:
        msgspec.convert(None, kind)
    except msgspec.ValidationError:
        return False
    return True


def _in_words(error: msgspec.ValidationError) -> str:
    """Reword an error of msgspec, such as ``users: expected `int | null`, got `str` ``."""
    said, _, where = str(error).partition(" - at `$")
    said = said.replace("Object missing required field", "there is no")
    said = said[0].lower() + said[1:]
    return f"{where.strip('`.')}: {said}" if where else said


def _plain(value: Any) -> Any:
    """Convert a NumPy scalar to a Python number."""
    return value.item()
