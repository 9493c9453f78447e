"""`katydid bisect`: what `git bisect run` reads in its exit code, and what it starts and stops on the way."""

import os
import subprocess

import pytest

from katydid.cli import main
from katydid.commands.pairs import bisect, decide, runs
from katydid.commands.pairs.decide import Decision
from katydid.commands.pairs.options import Asked, Version
from katydid.commands.pairs.runs import Runs, answers
from katydid.model.errors import ExitCode
from runfolders import write_run
from running import PLAIN_SERVER, free_port

BASE, NEW = "http://127.0.0.1:1", "http://127.0.0.1:2"
SIDES = ["--base", BASE, "--new", NEW]
LOAD = {"users": 10, "cycles": 12}
posix = pytest.mark.skipif(os.name != "posix", reason="process groups")


@pytest.fixture
def decided(monkeypatch):
    """Let the pairs decide this; gives what was asked for."""
    asked = []

    def let(*decision):
        def answer(_, what):
            asked.append(what)
            return Decision(*decision)

        monkeypatch.setattr(decide, "decide", answer)
        return asked

    return let


@pytest.mark.parametrize(
    ("verdict", "code"),
    [("no_difference", 0), ("faster", 0), ("slower", 1), ("mixed", 1), ("cannot_tell", 125), ("invalid", 125)],
)
def test_a_version_that_is_worse_is_bad_and_what_is_not_decided_is_skipped(decided, verdict, code):
    decided(verdict)
    assert main(["bisect", *SIDES, "--", "serve"]) == code


@pytest.mark.parametrize(
    ("verdict", "judged", "code"),
    [
        ("no_difference", ExitCode.PASSED, 0),
        ("no_difference", ExitCode.GATE_FAILED, 1),  # an objective is broken
        ("cannot_tell", ExitCode.PASSED, 125),  # which passes a gate, but is no answer
        ("cannot_tell", ExitCode.GATE_FAILED, 1),
        ("cannot_tell", ExitCode.CANNOT_TELL, 125),
        ("invalid", ExitCode.INVALID, 125),
    ],
)
def test_with_thresholds_the_gate_judges_too(decided, verdict, judged, code):
    decided(verdict, judged)
    assert main(["bisect", *SIDES, "--", "serve"]) == code


@pytest.mark.parametrize(
    ("words", "started"),
    [
        (["make && exec ./serve"], "make && exec ./serve"),  # of the shell
        (["./serve", "--port", "80 80"], "./serve --port '80 80'"),
        (["./serve", "--", "x"], "./serve -- x"),
        (["./serve", "--users", "5"], "./serve --users 5"),  # not of the runs
    ],
)
def test_all_behind_the_dashes_starts_the_version_that_is_checked_out(decided, words, started):
    asked = decided("faster")
    main(["bisect", "batch", *SIDES, "--users", "3", "--", *words])
    assert asked[0].versions["new"].start == started
    assert (asked[0].workload, asked[0].options) == ("batch", ["--users", "3"])
    assert asked[0].versions["base"].start is None


def test_a_good_version_that_is_started_answers_where_the_other_does(decided):
    asked = decided("faster")
    main(["bisect", "--start-base", "good", "--new", NEW, "--", "serve"])
    assert {version.host for version in asked[0].versions.values()} == {NEW}
    main(["bisect", "--start-base", "good", "--base", BASE, "--new", NEW, "--", "serve"])
    assert asked[1].versions["base"].host == BASE


def git(folder, *words):
    identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *identity, *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """Two commits, in which we are."""
    for name, value in (("GIT_CONFIG_GLOBAL", os.devnull), ("GIT_CONFIG_NOSYSTEM", "1")):
        monkeypatch.setenv(name, value)
    git(tmp_path, "init", "-q")
    for text in ("one", "two"):
        git(tmp_path, "commit", "-q", "--allow-empty", "-m", text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_runs_are_kept_under_the_commit(decided, repository):
    asked = decided("faster")
    main(["bisect", *SIDES, "--", "serve"])
    assert asked[0].versions["new"].label == git(repository, "rev-parse", "--short", "HEAD")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([*SIDES], "give --base or --start-base, --new, and CMD last"),
        ([*SIDES, "--"], "CMD last"),
        (["--base", BASE, "--", "serve"], "give --base or --start-base, --new, and CMD last"),
        (["--new", NEW, "--", "serve"], "give --base or --start-base"),
        (["stream", "batch", *SIDES, "--", "serve"], "CMD last"),
        (["--base", NEW, "--new", NEW, "--", "serve"], "or give --start-base CMD to start each version there"),
        (["--base", "localhost", "--new", NEW, "--", "serve"], "localhost"),
        ([*SIDES, "--max-pair", "3", "--", "serve"], "did you mean --max-pairs?"),
        (["--bse", BASE, "--new", NEW, "--", "serve"], "did you mean --base?"),
        ([*SIDES, "--host", BASE, "--", "serve"], "for katydid bisect give both hosts"),
        ([*SIDES, "--max-pairs", "many", "--", "serve"], "--max-pairs"),
    ],
)
def test_wrong_usage_is_one_line_and_ends_a_search_instead_of_naming_a_commit(capsys, repository, words, said):
    assert main(["bisect", *words]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
    git(repository, "bisect", "start")
    assert main(["bisect", *words]) == 255  # git would take 2 as bad


def test_an_error_of_our_own_ends_a_search_too(decided, repository, monkeypatch, capsys):
    monkeypatch.setattr(bisect, "_read", lambda _: 1 / 0)
    assert main(["bisect", *SIDES, "--", "serve"]) == 70
    git(repository, "bisect", "start")
    assert main(["bisect", *SIDES, "--", "serve"]) == 255
    assert "ZeroDivisionError" in capsys.readouterr().err


@pytest.fixture
def recorded(tmp_path, monkeypatch):
    """Let runs take no time; `slower` is by how much the new version is. Gives the sides of the runs that were made."""
    made = []

    def let(slower=1.0):
        def call(words):
            label = words[words.index("--version-label") + 1]
            write_run(tmp_path, label, number=len(made), slower=slower if label == "new" else 1.0, **LOAD)
            made.append(label)
            return 0

        monkeypatch.setattr(runs, "call", call)
        return made

    return let


def bisected(tmp_path, port, command, *words):
    host = f"http://127.0.0.1:{port}"
    ours = ["--new", host, "--results", str(tmp_path), "--new-version", "new", "--wait-ready", "20s"]
    return main(["bisect", *(words or ["--base", BASE]), *ours, "--", command.replace("PORT", str(port))])


@posix
@pytest.mark.parametrize(("slower", "code"), [(1.3, 1), (1.0, 0)])
def test_the_checked_out_version_is_up_for_all_runs_beside_one_that_stays(tmp_path, recorded, slower, code):
    made, port = recorded(slower), free_port()
    started = tmp_path / "started"
    assert bisected(tmp_path, port, f"echo x >>{started}; exec {PLAIN_SERVER}") == code
    assert made[:4] == ["base", "new", "new", "base"]
    assert started.read_text().count("x") == 1
    assert not answers(f"http://127.0.0.1:{port}")


@posix
def test_versions_on_one_address_are_started_and_stopped_for_each_of_their_runs(tmp_path, recorded):
    made, port = recorded(1.3), free_port()
    said = tmp_path / "started"
    base = f"echo base >>{said}; exec {PLAIN_SERVER}".replace("PORT", str(port))
    assert bisected(tmp_path, port, f"echo new >>{said}; exec {PLAIN_SERVER}", "--start-base", base) == 1
    assert said.read_text().split() == made
    assert not answers(f"http://127.0.0.1:{port}")


@posix
@pytest.mark.parametrize("command", ["echo no rule >&2; exit 2", "exec sleep 60"])
def test_a_version_that_does_not_build_or_answer_is_skipped_before_any_load(tmp_path, recorded, command, capsys):
    made = recorded()
    host = f"http://127.0.0.1:{free_port()}"
    words = ["--base", BASE, "--new", host, "--wait-ready", "0.5s", "--results", str(tmp_path), "--", command]
    assert main(["bisect", *words]) == 125
    assert made == []
    assert "CMD" in capsys.readouterr().err


@posix
def test_a_good_version_that_does_not_start_is_no_answer_about_the_other(tmp_path, recorded):
    recorded()
    assert bisected(tmp_path, free_port(), f"exec {PLAIN_SERVER}", "--start-base", "exit 3") == 2


@posix
@pytest.mark.parametrize(("code", "answer"), [(2, 125), (70, 70)])
def test_a_version_that_cannot_be_run_is_skipped_unless_the_error_is_ours(tmp_path, monkeypatch, code, answer):
    monkeypatch.setattr(runs, "call", lambda words: code if "new" in words else 0)
    assert bisected(tmp_path, free_port(), f"exec {PLAIN_SERVER}") == answer


@posix
def test_a_base_that_cannot_be_run_is_the_command_lines_fault(tmp_path, monkeypatch):
    monkeypatch.setattr(runs, "call", lambda _: 2)
    assert bisected(tmp_path, free_port(), f"exec {PLAIN_SERVER}") == 2


@posix
def test_runs_that_leave_nothing_cannot_tell(tmp_path, monkeypatch):
    monkeypatch.setattr(runs, "call", lambda _: 4)
    assert bisected(tmp_path, free_port(), f"exec {PLAIN_SERVER}", "--base", BASE, "--max-pairs", "2") == 125


@posix
def test_ctrl_c_ends_the_search_and_what_was_started(tmp_path, monkeypatch):
    def interrupted(_):
        raise KeyboardInterrupt

    port = free_port()
    monkeypatch.setattr(runs, "call", interrupted)
    assert bisected(tmp_path, port, f"exec {PLAIN_SERVER}") == 130
    assert not answers(f"http://127.0.0.1:{port}")


@posix
def test_a_job_of_its_own_group_is_stopped_too(tmp_path):
    """A shell with job control gives each job a group of its own."""
    port = free_port()
    version = Version(
        "new", f"http://127.0.0.1:{port}", f"bash -c 'set -m; {PLAIN_SERVER} & wait'".replace("PORT", str(port)), "CMD"
    )
    with Runs(Asked("stream", {"base": Version("base", BASE), "new": version}, []), tmp_path, 20.0).beside():
        assert answers(version.host)
    assert not answers(version.host)
