"""Workloads and APIs of somebody else's: one file, in a folder of its own, which imports from `katydid` alone."""

import json
import shutil

import pandas as pd
import pytest

from outsiders import WORDS, outsiders
from running import ROOT, katydid, the_run

EXAMPLES = ROOT / "examples"
VECTORS = "vectors_per_s"
QUICK = ("--users", 3, "--interval", 0.2, "--run-time", "3s", "--warm-up", 0)

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def server():
    with outsiders() as found:
        yield found


def loaded(server, example, folder, *more):
    """A run of an example that was copied into an empty folder."""
    folder.mkdir(parents=True)
    shutil.copy(EXAMPLES / example, folder)
    host = f"http://127.0.0.1:{server.server_address[1]}"
    run = katydid("run", example, "--host", host, *QUICK, *more, folder=folder)
    assert run.wait() == 0, run.out + run.err
    return the_run(folder), run.out


def said(*words, folder):
    """What a command says in a folder without the workload's file; its exit code."""
    run = katydid(*words, folder=folder, cold=True)
    return run.wait(), run.out + run.err


@pytest.fixture(scope="module")
def versions(server, tmp_path_factory):
    """Two runs of the embeddings' workload, and what the first one said."""
    folder = tmp_path_factory.mktemp("embeddings")
    old, told = loaded(server, "embeddings.py", folder / "old", "--api", "embeddings", "--version-label", "v1")
    new, _ = loaded(server, "embeddings.py", folder / "new", "--api", "embeddings", "--version-label", "v2")
    return old, new, told


@pytest.fixture
def elsewhere(versions, tmp_path):
    """Copies of both runs, where the workload's file is not."""
    for name, run in zip(("v1", "v2"), versions, strict=False):
        shutil.copytree(run.path, tmp_path / name)
    assert not list(tmp_path.rglob("*.py"))
    return tmp_path


def test_a_metric_of_its_own_is_in_the_summary_the_terminal_and_the_report(versions):
    run, _, told = versions
    samples = run.samples
    assert set(samples["outcome"]) == {"ok"}, samples["detail"].dropna().unique()
    assert run.manifest["workload"] == "embeddings"
    metrics = run.summary["metrics"]
    assert metrics[VECTORS] == pytest.approx(samples["vectors"].sum() / run.summary["seconds"])
    assert metrics["complete_share"] == 1.0
    for text in (told, (run.path / "report.html").read_text()):
        assert "Vectors" in text
        assert "Complete answers" in text


def test_the_report_of_a_copy_says_the_same_without_the_file(versions, elsewhere):
    for name in ("summary.json", "report.html"):
        (elsewhere / "v1" / name).unlink()
    code, told = said("report", "v1", folder=elsewhere)
    assert code == 0
    assert "Vectors" in told
    assert "Complete answers" in (elsewhere / "v1" / "report.html").read_text()
    assert json.loads((elsewhere / "v1" / "summary.json").read_text())["metrics"] == versions[0].summary["metrics"]


def test_a_comparison_of_copies_has_it(elsewhere):
    code, told = said("compare", "v1", "v2", "--json", "c.json", "--html", "c.html", folder=elsewhere)
    assert code == 0, told
    (row,) = (r for r in json.loads((elsewhere / "c.json").read_text())["metrics"] if r["name"] == VECTORS)
    assert row["base"] > 0 < row["new"]
    assert (row["primary"], row["unit"], row["better"]) == (False, "/s", "higher")
    assert "Vectors" in told
    assert "Vectors" in (elsewhere / "c.html").read_text()


@pytest.mark.parametrize(("limit", "code"), [("> 1/s", 0), ("> 1000000/s", 1)])
def test_a_gate_keeps_and_breaks_its_limit(elsewhere, limit, code):
    limits = f'[objective]\n{VECTORS} = "{limit}"\ncomplete_share = "> 99%"\n[compare]\nprimary = ["{VECTORS}"]\n'
    (elsewhere / "limits.toml").write_text(limits)
    got, told = said("gate", "v2", "--baseline", "v1", "--thresholds", "limits.toml", "--json", "g.json",
                     "--junit", "g.xml", folder=elsewhere)  # fmt: skip
    assert got == code, told
    checks = json.loads((elsewhere / "g.json").read_text())["checks"]
    by_limit = {(c["kind"], c["metric"]): c for c in checks}
    assert by_limit["objective", VECTORS]["verdict"] == ("failed" if code else "passed")
    assert by_limit["comparison", VECTORS]["compared"]["primary"] is True
    assert VECTORS in told


def test_a_gate_refuses_it_of_runs_that_do_not_declare_it(elsewhere):
    manifest = json.loads((elsewhere / "v2" / "manifest.json").read_text())
    del manifest["declared"]
    (elsewhere / "v2" / "manifest.json").write_text(json.dumps(manifest))
    (elsewhere / "limits.toml").write_text(f'[objective]\n{VECTORS} = "> 1/s"\n')
    code, told = said("gate", "v2", "--thresholds", "limits.toml", folder=elsewhere)
    assert code == 2
    assert VECTORS in told


@pytest.mark.parametrize(
    ("user", "call", "chunks"),
    [("Ask", "streamGenerateContent", len(WORDS)), ("AskWhole", "generateContent", None)],
)
def test_the_model_and_the_kind_of_answer_may_be_in_the_path(server, tmp_path, user, call, chunks):
    server.asked.clear()
    run, _ = loaded(server, "gemini.py", tmp_path / "run", "--api", "gemini", "--record-events", user)
    samples = run.samples
    assert set(samples["outcome"]) == {"ok"}, samples["detail"].dropna().unique()
    assert {path.partition("?")[0] for path, _ in server.asked} == {f"/v1beta/models/flash%202:{call}"}
    assert set(samples["name"]) == {f"/v1beta/models/flash%202:{call}"}
    assert set(samples["completion_tokens"]) == {len(WORDS)}
    assert run.manifest["model"] == "flash 2"
    assert run.manifest["endpoint"] == "/v1beta/models/{model}"
    if chunks:
        assert set(samples["chunks"]) == {chunks}
        kinds = pd.read_parquet(run.path / "events.parquet").groupby("request_id")["kind"].agg(list)
        assert {tuple(each) for each in kinds} == {("text",) * chunks + ("finish",)}
