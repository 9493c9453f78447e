"""What goes wrong on our own side is not booked as the target's: the run is invalid, and says what to do."""

import shutil
import subprocess
import sys

import pytest

from certificates import certificate
from katydid.model.sample import ErrorClass as E
from katydid.target.process import start_target
from rawserver import END, SSE_HEAD, chunks, raw_server
from running import BIN, Running, the_run
from streams import PROPER
from talking import CLIENTS, ask

pytestmark = pytest.mark.slow

LOAD = ("--interval", "1", "--run-time", "3s", "--phase", "spawn", "--drain", "3", "--failure-threshold", "0")


def invalid_run(folder, reason, shell, *words):
    """The rows of a run that starts by way of a shell, and that has to be invalid for this reason."""
    running = Running([*shell, "-", BIN / "katydid", "run", "stream", *words, *LOAD], folder)
    assert running.wait(60) == 4, running.err
    run = the_run(folder / "reports")
    assert any(reason in said for said in run.summary["invalid_reasons"])
    assert "INVALID" in running.out
    return run.samples


def one_class(rows, error):
    """Some answers, and all failures of one class, ours."""
    failed = rows[rows["outcome"] == "failed"]
    assert set(failed["error"]) == {error}
    assert set(failed["blame"]) == {"generator"}
    assert failed["ttft_ms"].isna().all()
    assert set(rows["outcome"]) == {"ok", "failed"}
    return failed


@pytest.mark.e2e
@pytest.mark.parametrize("client", CLIENTS)
def test_a_generator_without_descriptors(tmp_path, client):
    with start_target(ttft=1.0, chunk_interval=0.01, chunks=5) as target:
        few = ("bash", "-c", 'ulimit -n 60; exec "$@"')
        words = ("--host", target.url, "--users", 80, "--client", client)
        rows = invalid_run(tmp_path, "out_of_descriptors): raise `ulimit -n`", few, *words)
    failed = one_class(rows, "out_of_descriptors")
    assert "ulimit -n" in failed["detail"].iloc[0]


@pytest.mark.e2e
def test_a_generator_without_descriptors_and_a_target_by_name(tmp_path):
    with start_target(ttft=0.9, chunk_interval=0.01, chunks=5) as target:
        few = ("bash", "-c", 'ulimit -n 64; exec "$@"')
        host = target.url.replace("127.0.0.1", "localhost")
        rows = invalid_run(tmp_path, "out_of_descriptors", few, "--host", host, "--users", 80, "--spawn-rate", 40)
    assert set(rows.loc[rows["outcome"] == "failed", "blame"]) == {"generator"}
    run = the_run(tmp_path / "reports")
    assert run.manifest["ended"] == "run-time"
    assert run.manifest["missing_rows"] == 0
    own = run.monitor[run.monitor["process"] == "local"]
    assert own["at_ms"].max() > 2500


FEW_PORTS = 'ip link set lo up && echo "50000 50009" > /proc/sys/net/ipv4/ip_local_port_range'


def can_have_few_ports():
    if not (shutil.which("unshare") and shutil.which("ip")):
        return False
    return not subprocess.run(["unshare", "-rn", "sh", "-c", FEW_PORTS], check=False, capture_output=True).returncode


@pytest.mark.e2e
@pytest.mark.skipif(not can_have_few_ports(), reason="takes a network namespace of its own")
@pytest.mark.parametrize("client", CLIENTS)
def test_a_generator_without_ports(tmp_path, client):
    few = ("unshare", "-rn", "bash", "-c", FEW_PORTS + ' && exec "$@"')
    words = ("--embedded-target=--ttft 1s --chunks 5", "--users", 20, "--client", client)
    rows = invalid_run(tmp_path, "out_of_ports): keep connections alive", few, *words)
    failed = one_class(rows, "out_of_ports")
    assert "keep connections alive or add machines" in failed["detail"].iloc[0]


CERTIFICATES = {
    "that nobody vouches for": ({}, False, "not trusted"),
    "that has expired": ({"ends": "20010101000000Z"}, True, "expired"),
    "of another host": ({"names": "DNS:elsewhere.invalid"}, True, "127.0.0.1"),
}


@pytest.mark.skipif(not shutil.which("openssl"), reason="makes certificates with openssl")
@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("name", CERTIFICATES)
def test_a_certificate(tmp_path, client, name):
    what, trusted, words = CERTIFICATES[name]
    made = certificate(tmp_path, **what)

    def script(peer):
        peer.request()
        peer.send(SSE_HEAD + chunks(PROPER.encode()) + END)

    with raw_server(script, made.context()) as url:
        sample = ask(client, url, ca_file=str(made.cert) if trusted else None).sample
    assert (sample.outcome, sample.error, sample.blame) == ("failed", E.TLS, "config")
    assert words in sample.detail
    assert sys.platform == "win32" or "certificate" in sample.detail


@pytest.mark.parametrize("client", CLIENTS)
def test_a_name_that_nobody_knows(client):
    sample = ask(client, "http://does-not-exist.invalid:1").sample
    assert (sample.outcome, sample.error, sample.blame) == ("failed", E.DNS, "config")
