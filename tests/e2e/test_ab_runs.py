"""`katydid ab` against real targets, of which one is slower."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from katydid.target.process import start_target
from running import free_port

LOAD = ["--users", "6", "--interval", "0.5", "--run-time", "3s", "--drain", "1"]


def ab(tmp_path, *words, **more):
    command = [sys.executable, "-m", "katydid", "ab", *words, *LOAD, "--results", str(tmp_path), "--json", "-"]
    return subprocess.run(command, capture_output=True, text=True, timeout=400, check=False, **more)


def compared(tmp_path, slower, *words):
    """What `ab` says of a target and of one that is slower by that fraction."""
    settings = {"ttft": 0.1, "chunk_interval": 0.02, "chunks": 8}
    with start_target(**settings) as base:
        new = {name: value * (1.0 + slower) for name, value in settings.items() if name != "chunks"}
        with start_target(**new, chunks=8) as other:
            done = ab(tmp_path, base.url, other.url, *words)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


def test_a_version_that_is_20_percent_slower_is_found(tmp_path):
    told, said = compared(tmp_path, 0.2, "--max-pairs", "4")
    assert (told["verdict"], told["decided"]) == ("slower", True), said
    assert told["pairs"] in (3, 4)
    assert told["interleaved"]
    assert (tmp_path / "stream" / "ab-base-new.html").is_file()


@pytest.mark.slow
@pytest.mark.parametrize(("slower", "verdict"), [(0.0, "no_difference"), (0.1, "slower"), (0.2, "slower")])
def test_the_verdict_is_never_the_wrong_one(tmp_path, slower, verdict):
    told, said = compared(tmp_path, slower)
    assert told["verdict"] in (verdict, "cannot_tell"), said
    again, said = compared(tmp_path, slower)  # now with a history, so that the first look comes after two pairs
    assert again["verdict"] in (verdict, "cannot_tell"), said
    assert again["looks"][0]["pairs"] == 2


def listens(port):
    with socket.socket() as it:
        return it.connect_ex(("127.0.0.1", port)) == 0


def served(port, ttft):
    return f"{sys.executable} -m katydid target --port {port} --ttft {ttft} --chunk-interval 20ms --chunks 8"


@pytest.mark.slow
def test_each_version_is_started_and_stopped_on_one_address(tmp_path):
    port = free_port()
    host = f"http://127.0.0.1:{port}"
    start = ["--start-base", served(port, "100ms"), "--start-new", served(port, "200ms")]
    done = ab(tmp_path, host, host, *start, "--max-pairs", "4")
    told = json.loads(done.stdout)
    assert (told["verdict"], told["decided"]) == ("slower", True), done.stderr
    assert not listens(port)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_was_started_is_ended_also_when_it_is_interrupted(tmp_path, number):
    port = free_port()
    host = f"http://127.0.0.1:{port}"
    words = [host, host, "--start-base", served(port, "100ms"), "--start-new", served(port, "200ms"), *LOAD[:4]]
    command = [sys.executable, "-m", "katydid", "ab", *words, "--run-time", "60s", "--results", str(tmp_path)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("*/*/*/manifest.json")) and time.monotonic() < deadline:
        time.sleep(0.2)
    time.sleep(2)
    os.kill(process.pid, number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert not listens(port)
    (manifest,) = tmp_path.glob("*/*/*/manifest.json")
    assert json.loads(manifest.read_text())["ended"] == "interrupted"  # the run ended properly
