"""A JSON object as a type: known keys are attributes, checked once when it is read; the others are kept. Pure.

A document stays what it is to JSON too: `manifest.users` and `manifest["users"]` are the same value, so that notebooks
and workloads from outside need no types of ours.
"""

from collections.abc import ItemsView, Iterator, KeysView
from functools import cache, cached_property
from typing import Any, ClassVar, Self, TypeVar

import msgspec

from katydid.model.errors import KatydidError

Kind = TypeVar("Kind")

SCHEMA_VERSION = 1
"""Of every document: it changes where a key that is there today means something else."""


class DocumentError(KatydidError):
    """This JSON is not such a document; the message says which key is wrong, and in what way."""


class Part(msgspec.Struct, kw_only=True, frozen=True):
    """An object inside a document."""


class Document(msgspec.Struct, kw_only=True, frozen=True, dict=True, omit_defaults=True):
    """A whole document.

    An attribute without a default is a key that this version always writes; one that has its default is not written.
    Documents of earlier versions may lack keys that may be null, and those of EARLIER.
    """

    EARLIER: ClassVar[dict[str, object]] = {"schema_version": SCHEMA_VERSION}
    """What keys are taken to be that earlier versions did not write."""

    @classmethod
    def read(cls, source: object) -> Self:
        """The document that a JSON value is.

        Args:
            source: as a JSON parser gives it. It is kept, so that what is written again has all of its keys.

        Raises:
            DocumentError: it is not such a document; in half a line, for who knows the file.
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
        """The document with these keys, whose values may be our types.

        Raises:
            DocumentError: one is of the wrong type, or lacking.
        """
        return cls.read(msgspec.to_builtins({"schema_version": SCHEMA_VERSION, **keys}, enc_hook=_plain))

    @classmethod
    def parse(cls, text: bytes) -> Self:
        """The same from a file's content.

        Raises:
            DocumentError: it is not such a document, or not JSON.
        """
        try:
            return cls.read(msgspec.json.decode(text))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise DocumentError(f"not JSON: {error}" if str(error) else "not JSON") from None

    @cached_property
    def json(self) -> dict[str, Any]:
        """The JSON object: the very one that was read, or what the attributes say; so of a document within it."""
        told: dict[str, Any] = msgspec.to_builtins(self, enc_hook=_plain)
        parts = ((name, getattr(self, name)) for name in self.__struct_fields__)
        return told | {name: part.json for name, part in parts if isinstance(part, Document)}

    def part(self, key: str, kind: type[Kind]) -> Kind | None:
        """What stands under a key that only some documents have, as a type; None where it is not there.

        Raises:
            DocumentError: it is of another type.
        """
        if self.json.get(key) is None:
            return None
        try:
            return msgspec.convert(self.json[key], kind)
        except msgspec.ValidationError as error:
            raise DocumentError(f"{key}: {_in_words(error)}") from None

    def added(self, **keys: object) -> Self:
        """The document with more keys, or with other values of them.

        Raises:
            DocumentError: one of them is of the wrong type.
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
        """Of the JSON object."""
        return self.json.keys()

    def items(self) -> ItemsView[str, Any]:
        """Of the JSON object."""
        return self.json.items()

    def get(self, key: str, default: object = None) -> Any:
        """A value of the JSON object, as a mapping's `get`."""
        return self.json.get(key, default)


@cache
def _missing(kind: type[Document]) -> dict[str, object]:
    """What keys are taken to be that a document lacks."""
    fields = msgspec.structs.fields(kind)
    return {f.encode_name: None for f in fields if f.required and _may_be_null(f.type)} | kind.EARLIER


def _may_be_null(kind: object) -> bool:
    try:
        msgspec.convert(None, kind)
    except msgspec.ValidationError:
        return False
    return True


def _in_words(error: msgspec.ValidationError) -> str:
    """``users: expected `int | null`, got `str` `` for what msgspec says."""
    said, _, where = str(error).partition(" - at `$")
    said = said.replace("Object missing required field", "there is no")
    said = said[0].lower() + said[1:]
    return f"{where.strip('`.')}: {said}" if where else said


def _plain(value: Any) -> Any:
    """NumPy's scalars, which are numbers."""
    return value.item()
