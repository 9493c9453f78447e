"""What is built is what people get: wheel and sdist, each in an environment of its own, used from an empty folder."""

import json
import os
import subprocess
import sys
import tarfile
import urllib.request
from pathlib import Path

import pytest

from katydid.commands import COMMANDS
from pages import blocks
from running import ROOT, free_port, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.timeout(900)]

TARGET = "--ttft 20ms --chunks 6 --chunk-interval 5ms"


def bin_of(environment: Path) -> Path:
    return environment / ("Scripts" if os.name == "nt" else "bin")


def call(*words, folder: Path, expected=(0,)) -> str:
    """What it says; its packages are its own, whatever this process has."""
    ours = ("PYTHON", "VIRTUAL_ENV", "LOCUST_", "LOAD_TEST_")
    variables = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    command = [str(word) for word in words]
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode in expected, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """A folder with the sdist, and the wheel that was made of it: as a registry gets them."""
    folder = tmp_path_factory.mktemp("built")
    call(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", folder, folder=ROOT)
    with tarfile.open(next(folder.glob("*.tar.gz"))) as sdist:
        sdist.extractall(folder / "unpacked", filter="data")
    (source,) = (folder / "unpacked").iterdir()
    call(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, folder=source)
    return folder


@pytest.fixture(scope="module")
def environment(tmp_path_factory) -> Path:
    """An empty one, with the pinned packages that a run needs, and nothing of the repository."""
    folder = tmp_path_factory.mktemp("environment") / "venv"
    call(sys.executable, "-m", "venv", folder, folder=folder.parent)
    pinned = ROOT / "requirements" / "run.txt"
    call(bin_of(folder) / "python", "-m", "pip", "install", "-q", "--require-hashes", "-r", pinned, folder=folder)
    return folder


@pytest.fixture(scope="module")
def katydid(built, environment) -> Path:
    """The command of the installed wheel."""
    (wheel,) = built.glob("*.whl")
    call(bin_of(environment) / "python", "-m", "pip", "install", "-q", "--no-deps", wheel, folder=built)
    return bin_of(environment) / "katydid"


@pytest.fixture(scope="module")
def folder(katydid, tmp_path_factory) -> Path:
    """An empty one, in which three runs are made."""
    folder = tmp_path_factory.mktemp("empty")
    for version in ("v1", "v2", "v3"):
        call(katydid, "run", "stream", f"--embedded-target={TARGET}", "-t", "5s", "--users", 40, "--interval", 1,
             "--version-label", version, folder=folder, expected=(0, 4))  # fmt: skip
    return folder


def test_the_environment_has_nothing_but_what_katydid_asks_for(katydid, environment):
    told = call(bin_of(environment) / "python", "-m", "pip", "check", folder=environment)
    assert "No broken requirements" in told


def test_its_types_locustfiles_and_thresholds_are_there(katydid, environment):
    where = "import katydid, pathlib; print(pathlib.Path(katydid.__file__).parent)"
    package = Path(call(bin_of(environment) / "python", "-c", where, folder=environment).strip())
    assert environment in package.parents
    assert (package / "py.typed").is_file()
    for kind in ("locustfiles", "thresholds"):
        shipped = {file.name for file in (ROOT / kind).iterdir() if file.suffix in {".py", ".toml"}}
        assert shipped
        assert {file.name for file in (package / kind).iterdir() if file.suffix in {".py", ".toml"}} == shipped


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command, katydid, folder):
    told = call(katydid, command, "--help", folder=folder)
    assert f"katydid {command}" in told
    assert "example: " in told


def test_readme_installs_what_it_says(built, environment, tmp_path):
    """Its block as printed, with the wheel in a local folder in place of a registry."""
    (block,) = (block for block in blocks(ROOT / "README.md") if "pip install katydid" in block.text)
    install, without = (line.partition("#")[0].split() for line in block.text.splitlines())
    assert (install, without) == (["pip", "install", "katydid"], ["uvx", "katydid", "--version"])
    python = bin_of(environment) / "python"
    call(python, "-m", "pip", "uninstall", "-qy", "katydid", folder=tmp_path)
    local = ("--no-index", "--find-links", built)  # its dependencies are there already
    call(python, "-m", *install, "-q", *local, folder=tmp_path)
    assert call(bin_of(environment) / "katydid", *without[2:], folder=tmp_path).startswith("katydid ")


def test_a_run_leaves_its_folder_and_a_report_is_made_of_it_again(katydid, folder):
    (run,) = (folder / "reports" / "stream" / "v1").iterdir()
    (run / "report.html").unlink()
    call(katydid, "report", run, folder=folder, expected=(0, 4))
    assert "</html>" in (run / "report.html").read_text(encoding="utf-8")


def test_versions_are_compared_and_gated_and_have_a_history(katydid, folder):
    base, new = "reports/stream/v1", "reports/stream/v2"
    compared = json.loads(call(katydid, "compare", base, new, "--json", "-", folder=folder))
    assert compared["verdict"] in {"cannot_tell", "invalid"}, "one run a side never tells"
    judged = json.loads(
        call(katydid, "gate", new, "--thresholds", "stream", "--json", "-", folder=folder, expected=(0, 1, 3, 4))
    )
    assert {check["metric"] for check in judged["checks"]} >= {"ttft.p95"}
    assert "3 versions" in call(katydid, "history", "reports/stream", folder=folder)


def test_a_capacity_is_searched(katydid, folder):
    found = json.loads(
        call(katydid, "capacity", "batch", f"--embedded-target={TARGET}", "--interval", 0.5, "--hold", 2, "--steps", 3,
             "--repeats", 2, "--start-users", 2, "--max-users", 4, "--json", "-", folder=folder, expected=(0, 4))
    )  # fmt: skip
    assert found["at_least"] or found["steps"]


def test_workers_are_planned_and_the_machine_is_examined(katydid, folder):
    plan = json.loads(call(katydid, "plan", "--concurrency", 500, "--rtf", 0.1, "--json", "-", folder=folder))
    assert plan["workers"] > 50
    examined = json.loads(call(katydid, "doctor", "--users", 10, "--json", "-", folder=folder, expected=(0, 4)))
    assert examined["checks"]


def test_the_instrument_is_calibrated(katydid, folder):
    told = call(katydid, "calibrate", "--loads", 5, "--time", "3s", "--json", "-", folder=folder, expected=(0, 4))
    assert json.loads(told)["one_process"]["loads"]


def test_a_completion_script_is_printed_that_bash_reads(katydid, folder):
    script = folder / "completion.bash"
    script.write_text(call(katydid, "completion", "bash", folder=folder))
    subprocess.run(["bash", "-n", script], check=True)


def test_a_target_serves_until_it_is_interrupted(katydid, folder):
    port = free_port()
    target = subprocess.Popen([katydid, "target", "--port", str(port)], cwd=folder, stdout=subprocess.DEVNULL)

    def models():
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/models", timeout=2) as answer:
                return answer.read()
        except OSError:
            return None

    try:
        assert b"katydid-small" in wait_until(models)
    finally:
        target.terminate()
        target.wait(20)


def test_the_sdist_installs_and_runs_too(built, environment, katydid, tmp_path):
    (sdist,) = built.glob("*.tar.gz")
    python = bin_of(environment) / "python"
    call(python, "-m", "pip", "uninstall", "-qy", "katydid", folder=tmp_path)
    call(python, "-m", "pip", "install", "-q", "--no-deps", sdist, folder=tmp_path)
    assert call(katydid, "--version", folder=tmp_path).startswith("katydid ")
    told = call(katydid, "run", "stream", f"--embedded-target={TARGET}", "-t", "3s", "--interval", 1, folder=tmp_path,
                expected=(0, 4))  # fmt: skip
    assert "Report: " in told
