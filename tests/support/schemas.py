"""The published JSON Schemas, for whatever writes such a document."""

import json
from functools import cache
from pathlib import Path

from jsonschema import Draft202012Validator

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "reference" / "schema"


@cache
def validator(name):
    schema = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def misfits(name, document):
    """Where a document is not as its schema says; empty where it is."""
    return [f"{error.json_path}: {error.message}" for error in validator(name).iter_errors(document)]
