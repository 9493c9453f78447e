"""JSON Schemas of the documents, and the page that names them."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import msgspec
from cells import code, described_by_all, first_sentence, table, text

from katydid.model.documents.base import Document
from katydid.model.documents.capacity import CapacityResult
from katydid.model.documents.comparison import Comparison, Comparisons
from katydid.model.documents.gate import GateResult
from katydid.model.documents.manifest import Manifest
from katydid.model.documents.summary import Summary
from katydid.model.documents.traffic import Learning
from katydid.model.jsontext import json_text

DOCUMENTS: dict[str, tuple[str, type[Document]]] = {
    "manifest": ("`manifest.json` of a run", Manifest),
    "summary": ("`summary.json` of a run", Summary),
    "comparison": ("`katydid compare --json`", Comparison),
    "comparisons": ("`katydid compare --json` of more than two versions", Comparisons),
    "gate": ("`katydid gate --json`", GateResult),
    "learn": ("`katydid learn --json`", Learning),
    "capacity": ("`katydid capacity --json`", CapacityResult),
}


def schemas() -> dict[str, str]:
    """The schemas by the names of their files."""
    return {f"schema/{name}.json": json_text(_schema(kind)) + "\n" for name, (_, kind) in DOCUMENTS.items()}


def documents() -> str:
    """Documents and their keys."""
    rows = [[f"[{name}.json](schema/{name}.json)", text(what)] for name, (what, _) in DOCUMENTS.items()]
    parts = (_keys(what, kind) for what, kind in DOCUMENTS.values())
    return f"""\
# JSON Schemas

Made from the types by which Katydid reads and writes these documents (JSON Schema 2020-12). Documents may have more
keys than a schema names: those of a workload, and those of newer versions, which are kept. `schema_version` changes
where a key that is there today comes to mean something else. Older documents may lack keys that a schema asks for;
Katydid reads them all the same.

{table(["schema", "of"], rows)}
{"".join(parts)}"""


def _keys(what: str, kind: type[Document]) -> str:
    said = described_by_all(kind)
    rows = [
        [code(field.encode_name), "always" if field.required else "where there is one", text(said[field.name])]
        for field in msgspec.structs.fields(kind)
        if field.name in said
    ]
    return f"## {what}\n\n{text(first_sentence(kind))}\n\n{table(['key', 'is there', 'what'], rows)}\n"


def _schema(kind: type[Document]) -> dict[str, Any]:
    (schema,), parts = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}", schema_hook=_anything)
    kinds = {part.__name__: part for part in _parts(kind)}
    for name, part in parts.items():
        if name in kinds:
            said = described_by_all(kinds[name])
            part["description"] = first_sentence(kinds[name])
            for field, key in _fields(kinds[name]).items():
                if field in said:
                    part["properties"][key]["description"] = said[field]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "$defs": parts}


def _anything(_: type) -> dict[str, Any]:
    """Of `object`."""
    return {"description": "whatever JSON can hold"}


def _parts(kind: Any) -> Iterator[type]:
    """A document's type, and those of its parts."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield kind
        for field in msgspec.structs.fields(kind):
            yield from _parts(field.type)
    elif is_dataclass(kind) and isinstance(kind, type):
        yield kind
    for argument in getattr(kind, "__args__", ()):
        yield from _parts(argument)


def _fields(kind: type) -> dict[str, str]:
    """A part's attributes, with their keys."""
    if is_dataclass(kind):
        return {field.name: field.name for field in fields(kind)}
    return {field.name: field.encode_name for field in msgspec.structs.fields(kind)}
