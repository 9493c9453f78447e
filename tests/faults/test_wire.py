"""Each fault on the wire, dealt to a real run between good answers: one row each, and the run goes on."""

import signal
from contextlib import ExitStack

import pytest

from faultbook import WIRE
from faultserver import fault_server
from running import katydid, the_run, wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]  # five runs at once, which a busy machine makes long

RUNS = [("stream", "fast", "count"), ("stream", "fast", "full"), ("stream", "requests", "count")]
RUNS += [("batch", "fast", "count"), ("batch", "requests", "count")]
CASES = [(run, case) for run in RUNS for case in WIRE[run[0]][0]]


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """Runs of all kinds, at once: their folder, their server, their exit code, what they complained of."""
    with ExitStack() as stack:
        started = {}
        for kind in RUNS:
            workload, client, check = kind
            cases, well = WIRE[workload]
            server = stack.enter_context(fault_server({case.name: case.answer for case in cases}, well=well))
            folder = tmp_path_factory.mktemp("run")
            words = ("--users", 1, "--interval", 0.02, "--failure-threshold", 0, "--warm-up", 0, "--client", client)
            words += ("--check", check, "--idle-timeout", 0.7, "--request-timeout", 4, "--run-time", "280s")
            running = katydid("run", workload, "--host", server.url, *words, folder=folder)
            stack.callback(running.kill_all)
            started[kind] = (running, folder, server)
        return {kind: _end(*run) for kind, run in started.items()}


def _end(running, folder, server):
    wait_until(server.finished.is_set, 250, "the end of the faults")
    running.signal(signal.SIGINT)
    code = running.wait(30)
    return the_run(folder / "reports"), server, code, running.err


@pytest.mark.parametrize(("kind", "case"), CASES, ids=[f"{' '.join(k)}: {c.fault} {c.name}" for k, c in CASES])
def test_a_fault_is_one_row_that_says_what_it_was(ended, kind, case):
    run, server, _, _ = ended[kind]
    (number,) = [id_ for id_, name in server.dealt.items() if name == case.name]
    rows = run.samples[run.samples["request_id"] == number]
    assert len(rows) == 1
    row = next(rows.astype(object).where(rows.notna(), None).itertuples())
    told = (row.outcome, row.error, row.blame)
    assert told == (("failed", case.error, case.blame) if case.error else ("ok", None, None)), row.detail
    assert case.detail in (row.detail or "")
    if case.chunks is not None:
        assert row.chunks == case.chunks
    assert case.also(row), row


@pytest.mark.parametrize("kind", RUNS, ids=" ".join)
def test_the_run_goes_on_and_every_request_has_its_row(ended, kind):
    run, server, code, complaints = ended[kind]
    assert code == 130
    rows = run.samples
    assert sorted(rows["request_id"]) == sorted(server.dealt)
    well = rows[rows["request_id"].map(server.dealt) == "well"]
    assert len(well) > len(WIRE[kind[0]][0])
    assert set(well["outcome"]) == {"ok"}
    assert complaints == ""


@pytest.mark.parametrize("kind", RUNS, ids=" ".join)
def test_nothing_is_asked_twice_but_what_a_dead_connection_swallowed(ended, kind):
    _, server, _, _ = ended[kind]
    twice = {server.dealt[number] for number, times in server.asked.items() if times > 1}
    assert twice <= {"closed without an answer"}
