"""Options that a workload and an API of somebody else's bring, from one file that imports from `katydid` alone."""

import shutil

import pytest

from outsiders import outsiders
from running import ROOT, clean_environment, katydid, runs_in, the_run

EXAMPLE = ROOT / "examples" / "own_options.py"
QUICK = ("--api", "embeddings", "--users", 1, "--interval", 1, "--run-time", "2s", "--warm-up", 0)

pytestmark = pytest.mark.e2e


@pytest.fixture
def ask(tmp_path):
    shutil.copy(EXAMPLE, tmp_path)
    with outsiders() as server:

        def run(*words, **environment):
            host = ("--host", f"http://127.0.0.1:{server.server_address[1]}")
            done = katydid("run", EXAMPLE.name, *host, *words, folder=tmp_path, env=clean_environment(**environment))
            return done.wait(), done.out + done.err, server.asked

        yield run


def test_both_are_taken_from_the_command_line_and_the_environment(ask, tmp_path):
    code, told, asked = ask(*QUICK, "--texts", 3, "--rounds", 2, LOAD_TEST_PAUSE="100ms")
    assert code == 0, told
    run = the_run(tmp_path)
    assert run.manifest["workload"] == "rounds"
    assert {name: run.manifest["options"][name] for name in ("texts", "rounds", "pause", "on_429")} == {
        "texts": 3, "rounds": 2, "pause": 0.1, "on_429": "fail",
    }  # fmt: skip
    assert {len(body["input"]) for _, body in asked if isinstance(body["input"], list)} == {3}
    assert set(run.samples.groupby("iteration").size()) == {2}
    assert set(run.samples["outcome"]) == {"ok"}


def test_help_shows_each_under_its_heading(ask):
    code, told, _ = ask("--help", COLUMNS="100")
    assert code == 0
    own = told.partition("Options of own_options.py:")[2].partition("Request:")[0]
    assert "--rounds" in own
    assert "--pause TIME" in own
    api = told.partition("Request, --api embeddings:")[2].partition("Prompts:")[0]
    assert "--texts" in api
    assert "(default: 8; LOAD_TEST_TEXTS)" in " ".join(api.split())


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--texts", "0"), "--texts 0 must be more than 0"),
        (("--texts", "many"), "--texts: 'many' is not a whole number"),
        (("--rounds", "0"), "--rounds 0 must be more than 0"),
        (("--pause", "soon"), "--pause: 'soon' is not a duration such as"),
    ],
)
def test_bad_values_are_one_line_before_any_load(ask, tmp_path, words, complaint):
    code, told, asked = ask(*QUICK, *words)
    assert (code, asked, runs_in(tmp_path)) == (2, [], [])
    assert complaint in told
    assert "Traceback" not in told
