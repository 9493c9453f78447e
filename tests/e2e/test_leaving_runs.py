"""Clients that leave, in whole runs: whom the target saw go, and what it did then, by its own log."""

import pytest

from running import free_port, katydid, the_run

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

TARGET = {"ttft": 0.2, "chunk_interval": 0.02, "chunks": 100}
"""Answers of 2.2 s."""
LOAD = ("--users", 8, "--interval", 3, "--run-time", "15s", "--warm-up", 0)


def run_against(service, folder, *words, seconds=120):
    """A run, and the target's log by the ids of its requests."""
    done = katydid("run", "stream", "--host", service.url, *LOAD, *words, folder=folder)
    assert done.wait(seconds) in {0, 4}, done.out + done.err  # on a busy machine it is not valid
    return the_run(folder / "reports"), {line["request_id"]: line for line in service.log()}, done.out


def seen_free_ms(log):
    """After how long slots of clients that left in the watch were free again."""
    return [
        1e-6 * (line["freed_mono_ns"] - line["ended_mono_ns"])
        for name, line in log.items()
        if name.startswith("leaving-") and line["outcome"] == "client_closed"
    ]


@pytest.mark.parametrize(("abandon", "many"), [("50%@1s", ()), ("50%@20chunks", ("--processes", 2))])
def test_who_leaves_is_gone_at_its_moment_and_in_no_figure(target, tmp_path, abandon, many):
    run, log, out = run_against(target(**TARGET), tmp_path, "--abandon", abandon, *many)
    samples = run.samples
    left = samples[samples["outcome"] == "abandoned"]
    assert set(samples["outcome"]) == {"ok", "abandoned"}
    assert 0.2 < len(left) / len(samples) < 0.8
    for row in left.to_dict("records"):
        truth = log[row["request_id"]]
        assert truth["outcome"] == "client_closed"
        there = 1e-6 * (truth["ended_mono_ns"] - truth["received_mono_ns"])
        assert there == pytest.approx(row["abandoned_ms"], abs=100.0)
    if abandon.endswith("chunks"):
        assert left["chunks"].between(20, 23).all()
    else:
        assert left["abandoned_ms"].between(1000.0, 1100.0).all()
    counts, metrics = run.summary["counts"], run.summary["metrics"]
    assert (counts["abandoned"], counts["failed"], metrics["failure_rate"]) == (len(left), 0, 0.0)
    assert metrics["duration.min"] > 2000.0, "the times are those of clients that stayed"
    assert f"{len(left)} abandoned" in out


def test_a_target_that_frees_the_slot_says_so_everywhere(target, tmp_path):
    run, log, out = run_against(target(**TARGET), tmp_path, "--abandon", "50%@1s")
    found = run.summary["leaving"]
    assert (found["outcome"], found["source"]) == ("frees", "metrics")
    assert max(seen_free_ms(log)) <= found["high_ms"] < 200.0
    assert found["text"] in out
    assert found["text"] in (run.path / "report.html").read_text()


@pytest.mark.parametrize("workload", ["stream", "batch"])
def test_so_does_one_that_goes_on_computing_and_for_how_long(target, tmp_path, workload):
    service = target(**TARGET, keep_computing=True)
    done = katydid("run", workload, "--host", service.url, *LOAD, "--abandon", "25%@1s", folder=tmp_path)
    assert done.wait(120) in {0, 4}, done.out + done.err
    found = the_run(tmp_path / "reports").summary["leaving"]
    truth = seen_free_ms({line["request_id"]: line for line in service.log()})
    assert found["outcome"] == "computes"
    assert found["low_ms"] == pytest.approx(min(truth), rel=0.2)
    assert found["text"] in done.out


def test_a_master_watches_for_its_workers(target, tmp_path):
    service, port = target(**TARGET, keep_computing=True), free_port()
    workers = [katydid("run", "stream", "--worker", "--master-port", port, folder=tmp_path / "w") for _ in range(2)]
    master = ("--master", "--master-bind-port", port, "--expect-workers", 2)
    run, log, _ = run_against(service, tmp_path, "--abandon", "25%@1s", *master)
    assert [worker.wait(30) for worker in workers] == [0, 0]
    assert run.summary["leaving"]["low_ms"] == pytest.approx(min(seen_free_ms(log)), rel=0.2)


def test_the_same_seed_has_the_same_clients_leave(target, tmp_path):
    def outcomes(name):
        run, _, _ = run_against(target(ttft=0.3, chunks=100), tmp_path / name, "--abandon", "30%@200ms")
        return run.samples.set_index(["user", "iteration"])["outcome"]

    one, other = outcomes("one"), outcomes("other")
    both = one.index.intersection(other.index)  # a process that begins late sends fewer
    assert one[both].tolist() == other[both].tolist()
    assert set(one[both]) == {"ok", "abandoned"}
