"""JSON Schemas of the documents, and the reference page that lists them."""

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
    """Return the schemas by file name."""
    return {f"schema/{name}.json": json_text(_schema(kind)) + "\n" for name, (_, kind) in DOCUMENTS.items()}


def documents() -> str:
    """The page of the documents and their keys."""
    rows = [[f"[{name}.json](schema/{name}.json)", text(what)] for name, (what, _) in DOCUMENTS.items()]
    parts = (_keys(what, kind) for what, kind in DOCUMENTS.values())
    return f"""\
# JSON Schemas

These schemas are made from the types with which Katydid reads and writes documents (JSON Schema 2020-12). Documents may
have additional keys, from a workload or a newer version; Katydid keeps them. `schema_version` changes when an existing
key changes its meaning. Documents of older versions may lack required keys; Katydid still reads them.

{table(["schema", "document"], rows)}
{"".join(parts)}"""


def _keys(what: str, kind: type[Document]) -> str:
    said = described_by_all(kind)
    rows = [
        [code(field.encode_name), "yes" if field.required else "no", text(said[field.name])]
        for field in msgspec.structs.fields(kind)
        if field.name in said
    ]
    return f"## {what}\n\n{text(first_sentence(kind))}\n\n{table(['key', 'required', 'meaning'], rows)}\n"


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
    """Return the schema of `object`."""
    return {"description": "any JSON value"}


def _parts(kind: Any) -> Iterator[type]:
    """Yield a document's type and the types of its parts."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield kind
        for field in msgspec.structs.fields(kind):
            yield from _parts(field.type)
    elif is_dataclass(kind) and isinstance(kind, type):
        yield kind
    for argument in getattr(kind, "__args__", ()):
        yield from _parts(argument)


def _fields(kind: type) -> dict[str, str]:
    """Return the JSON key of each attribute."""
    if is_dataclass(kind):
        return {field.name: field.name for field in fields(kind)}
    return {field.name: field.encode_name for field in msgspec.structs.fields(kind)}
