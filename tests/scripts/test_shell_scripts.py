"""What the scripts promise, tried on a copy of the repository with a Python that only pretends to install."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = sorted([*ROOT.glob("scripts/*.sh"), ROOT / "scripts" / "setup", ROOT / ".ci" / "run"])
LOADS = ["run_load_testing_stream_8min.sh", "run_load_testing_ollama_stream_8min.sh", "run_stress_test_500users.sh"]

pytestmark = pytest.mark.skipif(os.name == "nt", reason="stands on symbolic links and POSIX modes")

FAKE_PYTHON = """#!/usr/bin/env bash
case "$1 $2" in
  "-m venv")
    mkdir -p "$3/bin" && cp "$0" "$3/bin/python"
    printf '#!/usr/bin/env bash\\necho "katydid $*"\\nenv\\n' > "$3/bin/katydid" && chmod +x "$3/bin/katydid" ;;
  "-m pip") sleep 0.2; echo "$*" >> "$PIP_LOG"; echo "first line"; echo "last line"; exit "${PIP_EXIT:-0}" ;;
  *) exec REAL "$@" ;;
esac
"""


class Repository:
    """A copy of what the scripts read, and the environment that they are run in."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "a clone"
        for name in ("scripts", "requirements"):
            shutil.copytree(ROOT / name, self.root / name)
        shutil.copy(ROOT / "pyproject.toml", self.root)
        self.pip_log = folder / "pip.log"
        self.elsewhere = folder / "elsewhere"
        self.elsewhere.mkdir()
        python = folder / "python-that-pretends"
        python.write_text(FAKE_PYTHON.replace("REAL", sys.executable))
        python.chmod(0o755)
        ours = ("LOCUST_", "LOAD_TEST_", "KATYDID_", "PYTHON", "CDPATH")
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
        self.environment |= {"PYTHON": str(python), "PIP_LOG": str(self.pip_log), "HOME": str(self.elsewhere)}

    def start(self, *command: str, **variables: str) -> subprocess.Popen:
        return subprocess.Popen(
            command,
            cwd=self.elsewhere,
            env=self.environment | variables,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, script: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess:
        process = self.start(str(self.root / "scripts" / script), *arguments, **variables)
        out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(script, process.returncode, out, err)

    def source(self, code: str, **variables: str) -> subprocess.CompletedProcess:
        process = self.start("bash", "-c", f'source "{self.root}/scripts/lib.sh"; {code}', **variables)
        out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(code, process.returncode, out, err)

    @property
    def installs(self) -> list[str]:
        return self.pip_log.read_text().splitlines() if self.pip_log.exists() else []


@pytest.fixture
def repository(tmp_path) -> Repository:
    return Repository(tmp_path)


def seen(result: subprocess.CompletedProcess) -> dict[str, str]:
    """The environment that `katydid` was started in."""
    return dict(line.split("=", 1) for line in result.stdout.splitlines() if "=" in line)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_parses_and_can_be_run(script):
    subprocess.run(["bash", "-n", str(script)], check=True)
    assert os.access(script, os.X_OK)
    assert script.name == "lib.sh" or script.read_text().startswith("#!/usr/bin/env bash\n")


def test_set_up_installs_with_hashes_and_then_katydid_itself(repository):
    result = repository.run("setup")
    assert result.returncode == 0, result.stderr
    packages, katydid = repository.installs
    assert "--require-hashes" in packages
    assert packages.endswith("/requirements/run.txt")
    assert "--no-deps" in katydid
    assert katydid.endswith(str(repository.root))


def test_set_up_is_quiet_on_standard_output_and_about_what_pip_says(repository):
    result = repository.run("setup")
    assert result.stdout == ""
    assert "last line" not in result.stderr


def test_a_second_set_up_does_nothing(repository):
    repository.run("setup", "dev")
    before = repository.installs
    assert repository.run("setup", "dev").stderr == ""
    assert repository.installs == before


def test_an_environment_for_tests_serves_runs_too(repository):
    repository.run("setup", "dev")
    before = repository.installs
    repository.run("setup", "run")
    assert repository.installs == before


@pytest.mark.parametrize("changed", ["requirements/run.txt", "pyproject.toml"])
def test_set_up_installs_again_when_what_it_installs_has_changed(repository, changed):
    repository.run("setup")
    with (repository.root / changed).open("a") as file:
        file.write("# changed\n")
    repository.run("setup")
    assert len(repository.installs) == 4


def test_a_moved_clone_is_set_up_again(repository):
    repository.run("setup")
    repository.root = repository.root.rename(repository.root.with_name("moved"))
    repository.run("setup")
    assert len(repository.installs) == 4


def test_a_failed_set_up_shows_the_whole_output_and_is_tried_again(repository):
    failed = repository.run("setup", PIP_EXIT="1")
    assert failed.returncode == 2
    assert "first line\nlast line\n" in failed.stderr
    assert not (repository.root / ".venv-lock").exists()
    assert repository.run("setup").returncode == 0
    assert len(repository.installs) == 3


def test_two_set_ups_at_once_install_once(repository):
    both = [repository.start(str(repository.root / "scripts" / "setup")) for _ in range(2)]
    outcomes = [process.communicate(timeout=60)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], outcomes
    assert len(repository.installs) == 2


def test_the_lock_of_a_set_up_that_was_killed_is_taken_over(repository):
    ended = subprocess.Popen(["true"])
    ended.wait()
    lock = repository.root / ".venv-lock"
    lock.mkdir()
    (lock / "owner").write_text(f"{ended.pid}\n")
    assert repository.run("setup").returncode == 0
    assert not lock.exists()


def test_an_unknown_kind_of_set_up_is_refused(repository):
    result = repository.run("setup", "prod")
    assert (result.returncode, result.stderr) == (2, "setup: there is no setup called prod: use run or dev\n")


def test_a_python_that_is_none_is_one_line_and_exit_2(repository):
    result = repository.run("setup", PYTHON="/nonexistent")
    assert result.returncode == 2
    assert result.stderr == "setup: PYTHON=/nonexistent is not Python 3.11 or newer: name another, or unset it\n"


def test_no_python_at_all_is_one_line_and_exit_2(repository, tmp_path):
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in ("bash", "dirname", "env"):
        (tools / tool).symlink_to(shutil.which(tool))
    result = repository.run("setup", PYTHON="", PATH=str(tools))
    assert result.returncode == 2
    assert result.stderr.startswith("setup: no Python 3.11 or newer was found: ")
    assert result.stderr.count("\n") == 1


def test_a_python_that_is_too_old_is_passed_over(repository, tmp_path):
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "python3").write_text("#!/bin/sh\nexit 1\n")
    (tools / "python3").chmod(0o755)
    (tools / "python3.13").symlink_to(sys.executable)
    found = repository.source("find_python", PYTHON="", PATH=f"{tools}:{os.environ['PATH']}")
    assert found.stdout == "python3.13\n"


def test_the_root_is_found_whatever_cdpath_says(repository):
    result = subprocess.run(
        ["bash", "-c", 'source scripts/lib.sh; printf %s "$ROOT"'],
        cwd=repository.root,
        env=repository.environment | {"CDPATH": f"{repository.root}:."},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout == str(repository.root)


def test_a_load_without_a_target_is_refused_before_any_set_up(repository):
    result = repository.run(LOADS[0])
    assert result.returncode == 2
    assert "no target: give its URL" in result.stderr
    assert result.stderr.count("\n") == 1
    assert repository.installs == []


@pytest.mark.parametrize("arguments", [["--host", "http://x"], ["--host=http://x"], ["-H", "http://x"], ["--help"]])
def test_a_target_may_be_an_option_too(repository, arguments):
    result = repository.run(LOADS[0], *arguments)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(f"katydid run stream {' '.join(arguments)}\n")


def test_the_fixed_load_is_200_users_20_s_and_8_minutes_at_temperature_0(repository):
    variables = seen(repository.run(LOADS[0], LOCUST_HOST="http://x"))
    assert (variables["LOCUST_USERS"], variables["LOCUST_RUN_TIME"]) == ("200", "8m")
    assert (variables["LOAD_TEST_INTERVAL"], variables["LOAD_TEST_TEMPERATURE"]) == ("20", "0")
    assert "LOAD_TEST_API" not in variables


def test_the_ollama_load_differs_by_its_api_and_its_default_target(repository):
    variables = seen(repository.run(LOADS[1]))
    assert variables["LOAD_TEST_API"] == "ollama"
    assert variables["LOCUST_HOST"] == "http://127.0.0.1:11434"
    assert variables["LOCUST_USERS"] == "200"


def test_the_stress_test_is_a_ramp_of_ten_a_second_to_500_users_that_stops_at_the_5th_failure(repository):
    variables = seen(repository.run(LOADS[2], LOCUST_HOST="http://x"))
    assert (variables["LOCUST_USERS"], variables["LOAD_TEST_RAMP"]) == ("500", "10")
    assert (variables["LOAD_TEST_INTERVAL"], variables["LOAD_TEST_FAILURE_THRESHOLD"]) == ("20", "5")


@pytest.mark.parametrize("script", LOADS)
def test_variables_that_are_set_win_over_the_defaults(repository, script):
    chosen = {
        "LOCUST_HOST": "http://x",
        "LOCUST_USERS": "8",
        "LOCUST_RUN_TIME": "60s",
        "LOAD_TEST_INTERVAL": "5",
        "LOAD_TEST_TEMPERATURE": "1",
    }
    assert chosen.items() <= seen(repository.run(script, **chosen)).items()


def commands(result: subprocess.CompletedProcess) -> list[str]:
    """What `katydid` was started with, one time after the other."""
    return [line for line in result.stdout.splitlines() if line.startswith("katydid ")]


def test_versions_are_compared_in_turns_with_the_same_load(repository):
    result = repository.run("compare_versions.sh", "http://a", "http://b", "--users", "5", PAIRS="2", NEW_VERSION="v2")
    *runs, compared = commands(result)
    hosts = ["a --version-label base", "b --version-label v2", "b --version-label v2", "a --version-label base"]
    assert runs == [f"katydid run stream --host http://{host} --users 5" for host in hosts]
    assert compared == (
        "katydid compare reports/stream/base reports/stream/v2 --last 2 --html reports/stream/compare-base-v2.html"
    )


def test_a_gate_with_a_baseline_judges_the_runs_that_it_made(repository):
    result = repository.run("ci_gate.sh", LOCUST_HOST="http://a", BASE_HOST="http://b", PAIRS="1")
    read_first, base, new, judged = commands(result)
    assert read_first == "katydid gate --thresholds stream --only-read"
    assert base.startswith("katydid run stream --host http://b --version-label base --results reports/gate/runs-")
    (folder,) = {run.rpartition("--results ")[2].rpartition("/")[0] for run in (base, new)}
    expected = f"katydid gate {folder}/new/stream/* --thresholds stream --baseline {folder}/base/stream/* "
    assert judged.startswith(expected)


def test_versions_are_compared_until_it_is_decided(repository):
    result = repository.run(
        "compare_versions.sh", "--until-decided", "http://a", "http://b", "--users", "5", NEW_VERSION="v2"
    )
    names = "--base-version base --new-version v2"
    assert commands(result) == [f"katydid ab stream http://a http://b --max-pairs 10 {names} --users 5"]


def test_a_gate_with_a_baseline_and_no_number_of_pairs_makes_as_many_as_it_takes(repository):
    """And judges by the comparison that was made, as one made again would know nothing of its looks."""
    result = repository.run("ci_gate.sh", "--users", "5", LOCUST_HOST="http://a", BASE_HOST="http://b")
    _, compared, judged = commands(result)
    assert compared.startswith("katydid ab stream http://b http://a --max-pairs 10 --thresholds stream --results ")
    folder = compared.partition("--results ")[2].partition(" ")[0]
    told = f"--baseline {folder}/stream/base --comparison {folder}/ab.json"
    assert judged.startswith(f"katydid gate {folder}/stream/new --thresholds stream {told}")


def test_a_comparison_without_two_hosts_is_one_line_and_exit_2(repository):
    result = repository.run("compare_versions.sh", "http://a")
    assert result.returncode == 2
    assert result.stderr.startswith("compare_versions.sh: give both hosts")
    assert result.stderr.count("\n") == 1


def test_a_run_that_failed_or_is_invalid_does_not_end_a_comparison_and_an_interrupted_one_does(repository):
    again = 'n=0; run() { n=$((n + 1)); echo "$1 $2"; [ "$n" != 2 ] || return CODE; }; interleave 2 run'
    for code in ("1", "4"):
        assert repository.source(again.replace("CODE", code)).stdout == "base 1\nnew 1\nnew 2\nbase 2\n"
    told = repository.source("run() { :; }; interleave 1 run").stderr
    whatever_the_clock = re.compile(
        r"Pair 1 of 1: base \(run 1 of 2\)\nPair 1 of 1: new \(run 2 of 2\); about \d s left\n"
    )
    assert whatever_the_clock.fullmatch(told)
    stopped = repository.source(again.replace("CODE", "130"))
    assert (stopped.stdout, stopped.returncode) == ("base 1\nnew 1\n", 130)


def test_the_demo_starts_both_versions_and_compares_them_until_it_is_decided(repository):
    (compared,) = commands(repository.run("demo.sh", PORT="4711"))
    host = "http://127.0.0.1:4711"
    assert compared.startswith(f"katydid ab stream {host} {host} --base-version old --new-version new")
    assert "--start-base katydid target --port 4711" in compared
    assert "--start-new katydid target --port 4711" in compared


UNREACHABLE = "Traceback (most recent call last):\n  raise ProxyError(e)\nProxyError: Connection refused"
NO_RESULT = "audit.sh: no result: requirements/run.txt could not be looked up in the database of known vulnerabilities"


@pytest.mark.parametrize(
    ("audit", "expected", "told"),
    [
        (("No known vulnerabilities found", 0), 0, ["No known vulnerabilities."]),
        (("Found 1 known vulnerability in 1 package\na 1.0 CVE-1", 1), 1, ["a 1.0 CVE-1"]),
        ((UNREACHABLE, 1), 2, [f"{NO_RESULT} (ProxyError: Connection refused)"]),
        (("ERROR: bidict: Dependency not found", 1), 2, [f"{NO_RESULT} (ERROR: bidict: Dependency not found)"]),
        (("", 0), 2, [f"{NO_RESULT} ()"]),
    ],
    ids=["none", "some", "unreachable", "unknown", "silence"],
)
def test_an_audit_that_could_not_be_made_is_no_good_news(repository, tmp_path, audit, expected, told):
    output, code = audit
    fake = tmp_path / "bin" / "pip-audit"
    fake.parent.mkdir()
    fake.write_text(f"#!/usr/bin/env bash\n[[ $* == *--strict* ]] || exit 9\necho '{output}' >&2\nexit {code}\n")
    fake.chmod(0o755)
    result = repository.run("audit.sh", PATH=f"{fake.parent}:{os.environ['PATH']}")
    lines = [line for line in result.stderr.splitlines() if not line.endswith(" ...")]
    assert (result.returncode, lines[-1:]) == (expected, told), result.stderr
    assert expected != 2 or len(lines) == 1


def test_an_audit_says_what_it_needs(repository):
    result = repository.run("audit.sh", PATH="/usr/bin:/bin")
    assert result.returncode == 2
    assert "pip-audit is missing: install it" in result.stderr
