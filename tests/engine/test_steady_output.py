"""A run goes on where nobody can read what it prints."""

import os
import signal
import sys
from types import SimpleNamespace

import pytest

from katydid import cli
from katydid.engine import stopping
from katydid.engine.live.output import steady
from katydid.engine.stopping import Signals, Stopper
from katydid.model.errors import ExitCode


@pytest.fixture
def run(monkeypatch):
    """How a run ends, what listens to signals for it without having registered, and the signals that are sent."""
    sent = []
    monkeypatch.setattr(stopping.gevent, "signal_handler", lambda *_: None)
    monkeypatch.setattr(stopping.os, "kill", lambda pid, number: sent.append(number))
    stopper = Stopper(SimpleNamespace(stop_timeout=0), None, hand_in=lambda: None)
    return stopper, Signals(stopper, None), sent


def test_what_is_printed_to_a_pipe_that_nobody_reads_is_lost_and_nothing_else():
    read, write = os.pipe()
    with os.fdopen(write, "w") as pipe:
        stream = steady(pipe, "standard output")
        print("first", file=stream)
        assert os.read(read, 100) == b"first\n"
        os.close(read)
        for _ in range(3):
            print("lost", file=stream, flush=True)
        stream.detach()


def test_a_full_disk_is_told_in_one_line(capfd):
    with open("/dev/full", "w", encoding="utf-8") as full:  # noqa: PTH123 - a device
        stream = steady(full, "standard output")
        for _ in range(3):
            print("lost", file=stream, flush=True)
        stream.detach()
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("katydid: standard output cannot be written (no space left on device)")


def test_a_stream_without_a_descriptor_stays(capsys):
    assert steady(sys.stdout, "standard output") is sys.stdout


def test_a_hangup_ends_a_run_as_sigterm_does_and_cuts_nothing_off(run):
    stopper, listening, sent = run
    listening.hung_up()
    listening.hung_up()
    assert sent == [signal.SIGTERM]
    assert not stopper._is_cut


def test_a_hangup_of_a_run_that_ends_already_changes_nothing(run):
    stopper, listening, sent = run
    stopper.active = stopper.ending = True
    listening.hung_up()
    assert (sent, stopper._is_cut) == ([], False)


def test_a_result_that_cannot_be_written_is_one_line_and_no_error_of_ours(monkeypatch, capfd):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cli, "command_parsers", full)
    monkeypatch.setattr(cli.os, "dup2", lambda *_: None)
    assert cli._call("compare", []) == ExitCode.USAGE
    assert capfd.readouterr().err.splitlines() == [
        "katydid: the output cannot be written (no space left on device): make room, or write elsewhere"
    ]
