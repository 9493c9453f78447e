"""The examples do what they say."""

import json
import shutil
import subprocess

import pytest

from folders import write_version
from running import BIN, ROOT, katydid, the_run

EXAMPLES = ROOT / "examples"


@pytest.mark.e2e
def test_the_custom_workload_runs_with_its_own_option_and_a_row_a_question(tmp_path):
    run = katydid(
        "run", EXAMPLES / "custom_workload.py", "--embedded-target=--ttft 20ms --chunks 5 --chunk-interval 5ms",
        "--follow-ups", 2, "--users", 3, "--interval", 1, "--run-time", "3s", "--warm-up", 0, folder=tmp_path,
    )  # fmt: skip
    run.wait()
    found = the_run(tmp_path)
    names = found.samples.groupby(["user", "iteration"])["name"].agg(list)
    assert found.manifest["workload"] == "follow-up"
    assert set(found.samples["outcome"]) == {"ok"}
    assert {tuple(each) for each in names} == {("question 1", "question 2", "question 3")}


def test_it_is_as_short_as_the_documentation_says():
    lines = (EXAMPLES / "custom_workload.py").read_text().partition('"""\n\n')[2].splitlines()
    assert len([line for line in lines if line.strip() and '"""' not in line]) <= 20


def notebook_cells():
    notebook = json.loads((EXAMPLES / "samples.ipynb").read_text())
    assert notebook["nbformat"] == 4
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]


def test_the_notebook_runs_from_top_to_bottom(tmp_path, monkeypatch):
    write_version(tmp_path, "v1", [0.0], failing=0.1)
    monkeypatch.setenv("RUN", str(tmp_path))
    names = {}
    for source in notebook_cells():
        exec(compile(source, "samples.ipynb", "exec"), names)
    samples, ok = names["samples"], names["ok"]
    assert names["ended"]["requests"].sum() == len(names["counted"])
    assert set(names["times"].columns) == {"ttft_ms", "gap_mean_ms", "duration_ms"}
    assert len(names["over_time"]) > 5
    assert 0 < len(ok) < len(samples)
    if names["by_sql"] is not None:
        assert names["by_sql"]["requests"].sum() == len(names["counted"])


def test_the_notebook_has_no_outputs_of_somebodys_machine():
    notebook = json.loads((EXAMPLES / "samples.ipynb").read_text())
    assert all(not cell.get("outputs") for cell in notebook["cells"])


# Shell completion


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("completion")
    said = subprocess.run([BIN / "katydid", "completion", "bash"], capture_output=True, text=True, check=True)
    (folder / "bash").write_text(said.stdout)  # the others are made of the same words
    return folder


def completed(scripts, *words):
    """What bash offers behind these words."""
    line = " ".join(f"'{word}'" for word in words)
    script = (
        f"source {scripts}/bash; COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _katydid; "
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    told = subprocess.run(["bash", "--norc", "-c", script], capture_output=True, text=True, check=True)
    return told.stdout.split()


def test_bash_completes_commands_workloads_and_options(scripts):
    assert {"run", "report", "compare", "completion"} <= set(completed(scripts, "katydid", ""))
    assert completed(scripts, "katydid", "comp") == ["compare", "completion"]
    assert completed(scripts, "katydid", "run", "str") == ["stream"]
    assert "--failure-threshold" in completed(scripts, "katydid", "run", "stream", "--fail")
    assert completed(scripts, "katydid", "run", "stream", "--process") == ["--processes"], "Locust's own"
    assert completed(scripts, "katydid", "capacity", "batch", "--max-u") == ["--max-users"]
    assert completed(scripts, "katydid", "completion", "z") == ["zsh"]
    assert completed(scripts, "katydid", "report", "--def") == ["--definitions"]
    assert completed(scripts, "katydid", "report", "--rec") == [], "an option of another command"


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_read_their_scripts(shell, tmp_path):
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} here")
    from katydid.commands.completion import _SCRIPTS

    words = {"run": ["stream", "--host"], "report": ["--definitions"]}
    script = tmp_path / "script"
    script.write_text(_SCRIPTS[shell]({"run": "run it, isn't that clear", "report": "report"}, words))
    subprocess.run([shell, "-n", script], check=True)
    if shell == "zsh":
        stubs = "compdef() {}; compadd() { print -l ${(P)2} }"
        command = f"{stubs}; source {script}; words=(katydid run ''); CURRENT=3; _katydid; CURRENT=2; _katydid"
        told = subprocess.run([shell, "-f", "-c", command], capture_output=True, text=True, check=True)
        assert told.stdout.split() == ["stream", "--host", "run", "report"]
    else:
        command = f"source {script}; complete -C 'katydid run st'; complete -C 'katydid report --de'"
        told = subprocess.run([shell, "--no-config", "-c", command], capture_output=True, text=True, check=True)
        assert told.stdout.split() == ["stream", "--definitions"]


def test_an_unknown_shell_is_refused():
    told = subprocess.run([BIN / "katydid", "completion", "tcsh"], capture_output=True, text=True, check=False)
    assert told.returncode == 2
    assert "tcsh" in told.stderr
