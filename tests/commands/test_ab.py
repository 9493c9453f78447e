"""`katydid ab`: which runs it makes, when it stops, what it says, and that it ends what it started."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from documents import comparison_with
from katydid.analysis.comparison.compare import planned_looks
from katydid.cli import main
from katydid.commands import command_parsers
from katydid.commands.pairs import runs
from katydid.commands.pairs.decide import until_decided
from katydid.commands.pairs.options import OURS, Asked, Version, own_options
from katydid.commands.pairs.runs import Runs, answers, sigterm_as_interrupt
from katydid.model.arguments import did_you_mean
from katydid.model.documents.comparison import CompareSettings
from katydid.model.errors import ConfigError
from runfolders import write_run
from running import PLAIN_SERVER, free_port
from schemas import misfits

HOSTS = ["http://127.0.0.1:1", "http://127.0.0.1:2"]
LOAD = {"users": 10, "cycles": 12}


def comparison(verdict):
    return comparison_with(verdict=verdict, reasons=["no"])


def pairs_of(verdicts, *, most=5, with_history=False):
    """The sides of the runs that are made where the looks say these verdicts, and the lines that are printed."""
    made, said, left = [], [], list(verdicts)
    settings = CompareSettings()
    plan = planned_looks(settings, most, with_history=with_history)
    found = until_decided(
        plan, settings, lambda side: made.append(side) or side, lambda *_: comparison(left.pop(0)), said.append
    )
    return "".join(side[0] for side in made), found, said


def test_runs_alternate_so_that_what_drifts_meets_both_alike():
    made, found, _ = pairs_of(["cannot_tell"] * 3)
    assert made == "bnnbbnnbbn"
    assert found.made == 5
    assert not found.decided


@pytest.mark.parametrize(("with_history", "first"), [(True, 2), (False, 3)])
def test_it_ends_with_the_first_look_that_decides(with_history, first):
    made, found, said = pairs_of(["cannot_tell", "no_difference"], with_history=with_history)
    assert len(made) == 2 * (first + 1)
    assert found.decided
    assert [look.pairs for look in found.looks] == [first, first + 1]
    assert "that decides" in said[-1]


def test_what_cannot_be_compared_ends_it_too():
    made, found, _ = pairs_of(["invalid"])
    assert (len(made), found.decided) == (6, False)


def test_the_levels_are_said_before_the_first_run_and_after_each_pair_what_is_left():
    _, _, said = pairs_of(["cannot_tell"] * 3)
    start = "At most 5 pairs; significance levels of the interim look after each pair (different, and no difference)"
    assert said[0].startswith(start)
    assert said[1] == "Pair 1 of at most 5: base"
    assert "no look yet; 4 more pairs at most" in said[3]
    assert "CANNOT TELL" in said[-1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([HOSTS[0]], "give both hosts first"),
        (["stream", HOSTS[0]], "give both hosts first"),
        ([*HOSTS, "--max-pair", "3"], "did you mean --max-pairs?"),
        (["stream", *HOSTS, "more"], "give both hosts first"),
        (["nothing", *HOSTS], "nothing"),
        ([HOSTS[0], "ftp://x"], "ftp://x"),
        ([*HOSTS, "--max-pairs", "1"], "--max-pairs 1 must be at least 2"),
        ([*HOSTS, "--new-version", "base"], "both versions are called base"),
        ([*HOSTS, "--wait-ready", "soon"], "--wait-ready: 'soon' is not a duration"),
        ([*HOSTS, "--host", HOSTS[0]], "for katydid ab give both hosts"),
        ([HOSTS[0], HOSTS[0]], "both hosts are the same server"),
        ([HOSTS[0], HOSTS[0], "--start-new", "x"], "both hosts are the same server"),
        ([*HOSTS, "--json", "-", "--markdown", "-"], "both want standard output"),
        ([*HOSTS, "--thresholds", "nowhere.toml"], "nowhere.toml"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2_before_any_run(capsys, monkeypatch, words, said):
    monkeypatch.setattr(Runs, "make", lambda *_: pytest.fail("a run was made"))
    assert main(["ab", *words]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1


@pytest.fixture
def recorded(monkeypatch):
    """Let `ab` make runs that take no time; `slower` is by how much the new version is."""

    def make(results, *, slower=1.0, **of_run):
        number = iter(range(100))

        def run(_, side):
            by = slower if side == "new" else 1.0
            return write_run(results, side, number=next(number), slower=by, **LOAD, **of_run)

        monkeypatch.setattr(Runs, "make", run)

    return make


def test_a_slower_version_is_found_and_the_report_shows_the_looks(tmp_path, recorded, capsys):
    recorded(tmp_path, slower=1.3)
    assert main(["ab", *HOSTS, "--results", str(tmp_path), "--json", "-"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["verdict"], told["decided"]) == ("slower", True)
    assert told["pairs"] == len(told["looks"]) + 2 < 10
    assert told["looks"][-1]["verdict"] == "slower"
    assert told["settings"]["family_alpha"] == 0.01
    page = (tmp_path / "stream" / "ab-base-new.html").read_text(encoding="utf-8")
    assert "Interim looks" in page
    assert f"katydid ab stream {' '.join(HOSTS)} --base-version base --new-version new --users 10" in re.sub(
        "<[^>]*>", "", page
    )


def test_thresholds_judge_in_the_end_by_the_comparison_that_was_made(tmp_path, recorded, capsys):
    file = tmp_path / "limits.toml"
    file.write_text('[objective]\nfailure_rate = "<= 50%"\n[compare]\nprimary = ["duration.p50"]\n')
    recorded(tmp_path, slower=1.3)
    assert main(["ab", *HOSTS, "--results", str(tmp_path), "--thresholds", str(file)]) == 1
    assert "FAILED" in capsys.readouterr().err


def test_the_gate_takes_the_comparison_of_ab_instead_of_its_own(tmp_path, recorded, capsys):
    """A comparison made again knows nothing of the looks, and would be wrong more often."""
    recorded(tmp_path, slower=1.3)
    told = tmp_path / "ab.json"
    assert main(["ab", *HOSTS, "--results", str(tmp_path), "--json", str(told)]) == 0
    content = json.loads(told.read_text())
    told.write_text(json.dumps(content | {"verdict": "no_difference"}))
    sides = [str(tmp_path / "stream" / label) for label in ("new", "base")]
    words = ["gate", sides[0], "--baseline", sides[1], "--thresholds", "stream", "--json", "-"]
    capsys.readouterr()
    main([*words, "--comparison", str(told)])
    assert "no difference" in capsys.readouterr().out.replace("_", " ")


OPTIONS_OF_A_RUN = """
from katydid.commands.loading.run import run_parser
from katydid.model.documents.comparison import CompareSettings
print(*(name for action in run_parser("stream")[0]._actions for name in action.option_strings))
"""


def test_no_option_of_a_run_is_taken_for_a_misspelt_one_of_ours():
    told = subprocess.run([sys.executable, "-c", OPTIONS_OF_A_RUN], capture_output=True, text=True, check=True).stdout
    own = own_options(command_parsers(["ab"])["ab"])
    assert "--max-tokens" in told
    names = {name for name in told.split() if name.startswith("--")} - set(own) - set(OURS)
    names.remove("--version")  # of Locust, which makes no run
    assert [name for name in names if did_you_mean(name, own)] == []


def test_a_comparison_of_other_runs_is_refused(tmp_path, recorded, capsys):
    recorded(tmp_path)
    told = tmp_path / "ab.json"
    main(["ab", *HOSTS, "--results", str(tmp_path), "--json", str(told)])
    assert misfits("comparison", json.loads(told.read_text())) == []
    other = write_run(tmp_path / "other", "new", **LOAD)
    assert main(["gate", str(other.path), "--thresholds", "stream", "--comparison", str(told)]) == 2
    assert "is of other runs" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"verdict": "slower", "metrics": 5, "sides": []}'])
def test_what_is_no_comparison_is_refused(tmp_path, capsys, content):
    write_run(tmp_path, "new", **LOAD)
    told = tmp_path / "ab.json"
    told.write_text(content)
    words = ["gate", str(tmp_path / "stream" / "new"), "--thresholds", "stream", "--comparison", str(told)]
    assert main(words) == 2
    assert "name a file that `katydid ab --json` wrote" in capsys.readouterr().err


def test_ctrl_c_ends_with_130_and_says_where_the_runs_are(tmp_path, monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Runs, "make", interrupted)
    assert main(["ab", *HOSTS, "--results", str(tmp_path)]) == 130
    assert "interrupted: the runs so far are in" in capsys.readouterr().err


def test_a_run_that_says_what_to_change_ends_it_with_its_code(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(runs, "call", lambda _: 2)
    assert main(["ab", *HOSTS, "--results", str(tmp_path)]) == 2
    assert "the run of base exited with code 2" in capsys.readouterr().err


def test_runs_that_leave_no_folder_are_no_data(tmp_path, monkeypatch):
    monkeypatch.setattr(runs, "call", lambda _: 4)
    assert main(["ab", *HOSTS, "--results", str(tmp_path), "--max-pairs", "2"]) == 4


def words_of_runs(tmp_path, monkeypatch, seed):
    """The seeds that the runs of three pairs are given, where the first one's manifest has `seed`."""
    given = []

    def made(words):
        given.append(words[words.index("--seed") + 1] if "--seed" in words else None)
        number = len(given)
        write_run(tmp_path, f"v{number}", number=number, options={} if seed is None else {"seed": seed}, **LOAD)
        return 0

    monkeypatch.setattr(runs, "call", made)
    versions = {side: Version(side, host) for side, host in zip(("base", "new"), HOSTS, strict=True)}
    maker = Runs(Asked("stream", versions, []), tmp_path, 1.0)
    for side in ("base", "new", "new", "base", "base", "new"):
        maker.make(side)
    return given


def test_both_runs_of_a_pair_have_one_seed_and_each_pair_another(tmp_path, monkeypatch):
    """The prompts of an earlier pair lie in the servers' caches."""
    assert words_of_runs(tmp_path, monkeypatch, 7) == [None, None, "8", "8", "9", "9"]


def test_runs_without_a_seed_are_given_none(tmp_path, monkeypatch):
    assert words_of_runs(tmp_path, monkeypatch, None) == [None] * 6


def served(command, port, patience=20.0):
    version = Version("v1", f"http://127.0.0.1:{port}", command.replace("PORT", str(port)), "--start-base")
    return runs.served("base", version, patience)


posix = pytest.mark.skipif(os.name != "posix", reason="process groups")


@posix
def test_a_version_is_started_waited_for_and_stopped_with_all_that_it_started(tmp_path):
    """The server is a child of the shell's child: only its group reaches it."""
    port = free_port()
    with served(f"sleep 60 & echo $! >{tmp_path}/other; {PLAIN_SERVER} & wait", port):
        assert answers(f"http://127.0.0.1:{port}")
    assert not answers(f"http://127.0.0.1:{port}")
    other = int((tmp_path / "other").read_text())
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and _runs(other):
        time.sleep(0.05)
    assert not _runs(other)


def _runs(pid):
    told = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(told.strip()) and not told.startswith("Z")


@posix
def test_a_version_is_stopped_also_where_the_run_is_interrupted():
    port = free_port()
    with pytest.raises(KeyboardInterrupt), served(f"exec {PLAIN_SERVER}", port):
        raise KeyboardInterrupt
    assert not answers(f"http://127.0.0.1:{port}")


@pytest.mark.parametrize(
    ("command", "patience", "said"),
    [
        ("echo no such model >&2; exit 3", 20.0, "--start-base exited with code 3 before .* answered .no such model.:"),
        ("exec sleep 60", 0.3, "--start-base ran for 0.3 s and .* does not answer: .*--wait-ready"),
    ],
)
@posix
def test_a_version_that_does_not_come_up_says_why(command, patience, said):
    with pytest.raises(ConfigError, match=said), served(command, free_port(), patience):
        pytest.fail("it came up")


@posix
def test_what_listens_already_is_not_taken_for_the_version_that_is_to_be_started():
    port = free_port()
    with served(f"exec {PLAIN_SERVER}", port), pytest.raises(ConfigError, match="before --start-base"):
        served("exec sleep 60", port).__enter__()


def test_sigterm_ends_as_ctrl_c_does():
    with pytest.raises(KeyboardInterrupt), sigterm_as_interrupt():
        signal.raise_signal(signal.SIGTERM)
