"""What there is to import from `katydid`: complete, typed, lazy, and all that our own locustfiles and pages use."""

import ast
import re
import subprocess
import sys

import pytest

import katydid
from runfolders import write_run
from running import ROOT

FACE = ROOT / "src" / "katydid" / "__init__.py"
OUTSIDE = [
    *sorted((ROOT / "locustfiles").glob("*.py")),
    *sorted((ROOT / "examples").glob("*.py")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "deploy").rglob("*.yaml")),
]


def python(code, *words):
    return subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True).stdout


def typed_imports():
    (block,) = (
        node
        for node in ast.parse(FACE.read_text()).body
        if isinstance(node, ast.If) and not node.orelse and isinstance(node.test, ast.Name)
    )
    return {alias.name: node.module for node in block.body for alias in node.names}


@pytest.mark.parametrize("name", sorted(katydid.__all__))
def test_each_public_name_is_there(name):
    assert getattr(katydid, name) is not None
    assert name in dir(katydid)


def test_what_a_type_checker_reads_is_what_the_program_gets():
    assert typed_imports() == katydid._HOME_OF
    assert set(katydid.__all__) == set(katydid._HOME_OF)


def test_a_name_that_does_not_exist_is_an_attribute_error():
    with pytest.raises(AttributeError, match="StremUser"):
        katydid.StremUser  # noqa: B018
    with pytest.raises(ImportError):
        from katydid import StremUser  # noqa: F401


@pytest.mark.parametrize("path", OUTSIDE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_others_copy_imports_from_katydid_alone(path):
    assert re.findall(r"(?:from|import) katydid\.[\w.]+", path.read_text(encoding="utf-8")) == []


def test_a_run_is_loaded_without_locust_and_gevent(tmp_path):
    run = write_run(tmp_path)
    code = (
        "import sys, katydid; run = katydid.load_run(sys.argv[1]);"
        "print(len(run.samples()), run.manifest()['workload'], {'locust', 'gevent'} & set(sys.modules))"
    )
    assert python(code, str(run.path)).split() == [str(len(run.samples())), "stream", "set()"]


def test_importing_katydid_imports_nothing_else_of_it():
    assert python("import sys, katydid; print([m for m in sys.modules if m.startswith('katydid.')])") == "[]\n"
