"""The target as a process: how it starts, says so, and ends."""

import os
import shutil
import signal
import ssl
import subprocess
import sys
import time

import pytest
from wire import Line, eventually, post

from katydid.cli import main
from katydid.model.errors import ConfigError
from katydid.target.process import start_target

MODULE = [sys.executable, "-m", "katydid.target"]
COLD = True
"""Its starts are what is tested."""


@pytest.fixture
def serve():
    """Start the command as a person would."""
    processes = []

    def starting(*words):
        process = subprocess.Popen(
            [*MODULE, "--port=0", *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        processes.append(process)
        return process, process.stdout.readline()

    yield starting
    for process in processes:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_it_says_where_it_listens_and_then_does(serve):
    _, ready = serve()
    start, _, port = ready.rstrip("\n").rpartition(":")
    assert start == "katydid target listening on http://127.0.0.1"
    assert int(port) > 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_exit_0(serve, number):
    process, _ = serve()
    process.send_signal(number)
    assert process.wait(10) == 0
    assert process.stdout.read() == "", "the ready line is all that it says"


def test_it_ends_when_its_input_is_closed(serve):
    process, _ = serve("--exit-with-parent")
    process.stdin.close()
    assert process.wait(10) == 0


def test_with_a_parent_ctrl_c_is_the_parents_business(serve):
    process, _ = serve("--exit-with-parent")
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0


def test_it_dies_with_the_python_that_started_it():
    script = (
        "import time; from katydid.target.process import start_target as s; print(s().pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    pid = int(parent.stdout.readline())
    assert is_alive(pid)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    eventually(lambda: not is_alive(pid), 10)


def test_stopping_is_clean_and_quick_and_may_be_repeated():
    target = start_target()
    with Line(target) as line:
        line.send(post(stream=True))
        began = time.monotonic()
        assert target.stop() == 0
        assert time.monotonic() - began < 4, "it ended by itself: a kill comes after 5 s"
        assert line.closed()
    assert target.stop() == 0
    assert not is_alive(target.pid)


def test_it_stops_with_its_context():
    with start_target(version="v7") as target:
        assert target.url == f"http://127.0.0.1:{target.port}"
        assert is_alive(target.pid)
    assert not is_alive(target.pid)


def test_one_that_cannot_start_says_so():
    with start_target() as target, pytest.raises(ConfigError, match="did not start"):
        start_target(port=target.port)


@pytest.mark.parametrize(
    "words",
    [["--chunks", "0"], ["--tftt", "1"], ["--fail", "explode"], ["--log", "/nowhere/at/all"],
     ["--tls-cert", "/nowhere", "--tls-key", "/nowhere"], ["--host", "192.0.2.1"]],
)  # fmt: skip
def test_bad_input_is_one_line_and_exit_2(words):
    done = subprocess.run([*MODULE, *words], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("katydid: ")


def test_it_imports_neither_gevent_nor_locust():
    script = (
        "import sys, katydid.target.command, katydid.target.process;"
        "print(sorted({m.partition('.')[0] for m in sys.modules} & {'gevent', 'locust', 'requests', 'numpy'}))"
    )
    assert subprocess.check_output([sys.executable, "-c", script], text=True).strip() == "[]"


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes its certificate with openssl")
def test_it_speaks_tls(tmp_path):
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "2",
         "-subj", "/CN=here", "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    with start_target(ttft=0.0, chunks=3, chunk_interval=0.0, tls_cert=str(cert), tls_key=str(key)) as target:
        assert target.url.startswith("https://")
        with Line(target) as line:
            line.sock = ssl.create_default_context(cafile=cert).wrap_socket(line.sock, server_hostname="127.0.0.1")
            assert line.ask(post(stream=True)).events[-1] == "[DONE]"
        assert target.stats()["requests"] == 1


@pytest.mark.parametrize("host", ["x" * 300, "\udcff", "\u2028"])
def test_a_name_that_no_host_can_have_is_one_line(host):
    done = subprocess.run([*MODULE, "--host", host], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    (line,) = done.stderr.strip().split("\n")
    assert "the target cannot listen on " in line


def test_a_log_that_is_a_pipe_nobody_reads_is_one_line(tmp_path, capsys):
    os.mkfifo(tmp_path / "pipe")
    assert main(["target", "--log", str(tmp_path / "pipe")]) == 2
    assert "pipe cannot be written" in capsys.readouterr().err
