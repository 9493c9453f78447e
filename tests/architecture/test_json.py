"""JSON is written in one module, so that nothing that is not JSON can get into a file, an output or a page."""

import ast
from pathlib import Path

import pytest

import katydid

SOURCE = Path(katydid.__file__).parent
WRITERS = {"json": {"dump", "dumps", "JSONEncoder"}, "orjson": {"dumps"}}


def written_by(source: str) -> list[str]:
    """Each use of a function that writes JSON, as `module.name`."""
    tree = ast.parse(source)
    found, names = [], {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.asname or alias.name: alias.name for alias in node.names if alias.name in WRITERS}
        if isinstance(node, ast.ImportFrom) and node.module in WRITERS:
            found += [f"{node.module}.{alias.name}" for alias in node.names if alias.name in WRITERS[node.module]]
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            module = names.get(node.value.id)
            if module and node.attr in WRITERS[module]:
                found.append(f"{module}.{node.attr}")
        if isinstance(node, ast.Attribute) and node.attr == "to_json":  # pandas writes what it likes
            found.append("to_json")
    return found


def test_json_is_written_in_one_module():
    found = {file.relative_to(SOURCE).as_posix(): written_by(file.read_text("utf-8")) for file in SOURCE.rglob("*.py")}
    assert [file for file, uses in found.items() if uses] == ["model/jsontext.py"]


@pytest.mark.parametrize(
    "source",
    ["import json\njson.dumps(1)", "import orjson as o\no.dumps(1)", "from json import dump", "frame.to_json()"],
)
def test_the_search_finds_what_it_is_for(source):
    assert len(written_by(source)) == 1
