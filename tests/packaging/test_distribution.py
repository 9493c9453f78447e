"""What is committed names no machine, and what is built is whole."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
REGISTRY = re.compile(r"(?:pypi|pythonhosted|npmjs|debian)\.(?:org|com)")
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:work|root|opt)/\w")
PINNED = ("run", "dev", "real", "model", "vllm")


def tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not a git repository: nobody knows what is committed")
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def pins(kind: str) -> dict[str, list[str]]:
    """Each requirement of a file as `name==version ; marker`, with its hashes."""
    found: dict[str, list[str]] = {}
    entry = ""
    for line in (ROOT / "requirements" / f"{kind}.txt").read_text().splitlines():
        text = line.strip().removesuffix("\\").strip()
        if text.startswith("--hash="):
            found[entry].append(text.removeprefix("--hash="))
        elif text and not text.startswith("#"):
            entry = text
            found[entry] = []
    return found


def normal(requirement: str) -> str:
    """The package's name alone, as registries spell it."""
    return re.sub(r"[-_.]+", "-", re.split(r"[ <>=!~;\[]", requirement)[0]).lower()


@pytest.mark.parametrize("pattern", [REGISTRY, MACHINE_PATH], ids=["registry", "machine path"])
def test_no_tracked_file_names_a_registry_or_a_path_of_some_machine(pattern):
    texts = {path: path.read_text(errors="ignore") for path in tracked_files()}
    assert {
        str(path.relative_to(ROOT)): found.group() for path, t in texts.items() if (found := pattern.search(t))
    } == {}


@pytest.mark.parametrize("kind", PINNED)
def test_every_requirement_is_pinned_and_hashed(kind):
    found = pins(kind)
    assert found
    assert [entry for entry in found if not re.match(r"[\w.-]+==[\w.+]+( ;|$)", entry)] == []
    assert [entry for entry, hashes in found.items() if not hashes] == []
    assert all(re.fullmatch("sha256:[0-9a-f]{64}", each) for hashes in found.values() for each in hashes)


def test_tests_run_with_the_versions_that_people_run():
    # Without the markers: what runs need on some platforms only, tests may need on all.
    run, dev = ({entry.split(" ;")[0]: hashes for entry, hashes in pins(kind).items()} for kind in ("run", "dev"))
    assert {entry: dev.get(entry) for entry in run} == run


def test_every_dependency_is_among_the_pins():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    run = {normal(entry) for entry in pins("run")}
    dev = {normal(entry) for entry in pins("dev")}
    assert {normal(each) for each in project["project"]["dependencies"]} - run == set()
    groups = [each for group in ("dev", "install") for each in project["dependency-groups"][group]]
    assert {normal(each) for each in groups} - dev == set()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_all_files_of_the_package(wheel):
    source = ROOT / "src"
    package = {str(p.relative_to(source)) for p in tracked_files() if source in p.parents}
    shipped = {
        f"katydid/{p.relative_to(ROOT)}"
        for p in tracked_files()
        if p.parent in {ROOT / "locustfiles", ROOT / "thresholds"}
    }
    assert {"katydid/py.typed", "katydid/report/templates/run.html"} <= package
    assert "katydid/locustfiles/stream.py" in shipped
    names = {Path(name).as_posix() for name in zipfile.ZipFile(wheel).namelist()}
    assert {n for n in package | shipped if not n.endswith(".keep")} - names == set()


def test_the_wheel_holds_nothing_but_the_package(wheel):
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not re.fullmatch(r"katydid-[\w.]+\.dist-info", top)} == {"katydid"}


def test_an_installed_wheel_finds_its_own_workloads(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path)
    code = "from katydid.resources import locustfile; print(locustfile('stream'))"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    found = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert Path(found.stdout.strip()) == tmp_path / "katydid" / "locustfiles" / "stream.py"
