"""The house: every package has its floor, no room is crowded, no file is long, and none is a stub of its one reader."""

import ast
import tomllib
from collections import Counter

import pytest

from running import ROOT

SOURCE = ROOT / "src" / "katydid"
MOST_MODULES = 16
MOST_LINES = 360
FEWEST_LINES = 30
"""A file below this with a single importer belongs into that importer."""

CROWDED: set[str] = set()
LONG: set[str] = set()
"""Files that are still to be split. Nothing may be added here."""
STUBS: set[str] = set()
"""Files that are still to be joined. Nothing may be added here."""

LOCUST = {"engine", "commands.loading"}
GEVENT = {"engine", "transport", "workloads"}


def modules():
    return sorted(path for path in SOURCE.rglob("*.py") if "__pycache__" not in path.parts)


def dotted(path):
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(path):
    """What a file imports, wherever it stands: names below katydid without the prefix, and other packages."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


IMPORTS = {dotted(path): set(imported(path)) for path in modules()}
LINES = {path.relative_to(SOURCE).as_posix(): path.read_text(encoding="utf-8").count("\n") for path in modules()}


def importers(module):
    return {other for other, names in IMPORTS.items() if f"katydid.{module}" in names and other != module}


def who_imports(package):
    """Modules that import another package, or a part of it."""
    return {m for m, names in IMPORTS.items() if any(n.split(".")[0] == package for n in names)}


def test_import_linter_knows_the_floor_of_every_package():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    named = {name.strip("() ") for layer in layers for name in layer.replace(":", "|").split("|")}
    there = {f"katydid.{dotted(path).split('.')[0]}" for path in modules() if path.parent != SOURCE}
    there |= {f"katydid.{path.stem}" for path in SOURCE.glob("*.py") if not path.stem.startswith("__")}
    assert named == there


def test_no_room_is_crowded():
    count = Counter(path.parent.relative_to(SOURCE).as_posix() for path in modules())
    assert {room for room, number in count.items() if number > MOST_MODULES} == CROWDED


def test_no_file_is_long():
    assert {name for name, lines in LINES.items() if lines > MOST_LINES} == LONG


def test_no_file_is_a_stub_of_its_one_reader():
    small = {name for name, lines in LINES.items() if lines < FEWEST_LINES and not name.endswith("__init__.py")}
    alone = {name for name in small if len(importers(name.removesuffix(".py").replace("/", "."))) == 1}
    assert alone == STUBS


@pytest.mark.parametrize(("package", "where"), [("locust", LOCUST), ("gevent", GEVENT)])
def test_what_patches_a_process_is_imported_where_load_is_made(package, where):
    found = who_imports(package)
    elsewhere = {m for m in found if not any(m == room or m.startswith(f"{room}.") for room in where)}
    assert found
    assert elsewhere == set()


def test_the_embedded_target_stands_beside():
    allowed = {"target", "model", "protocol"}
    found = {
        name.split(".")[1]
        for module, names in IMPORTS.items()
        if module.split(".")[0] == "target"
        for name in names
        if name.startswith("katydid.")
    }
    assert found <= allowed
