"""Targets that begin with everything imported: a start takes a fork, not half a second of a processor.

Run as a program, this is the process that forks: for each message on its standard input, a socket, it becomes a target
with the arguments, the folder, the environment, the standard input and the standard output that came with it.
"""

import atexit
import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

POLL_S = 0.01
MOST_BYTES = 200_000
_server: tuple[subprocess.Popen[bytes], socket.socket] | None = None


class WarmTarget:
    """What `target.process` takes for a `Popen` of `python -m katydid.target`."""

    def __init__(self, command, *, stdin, stdout, text):
        assert (command[1:3], stdin, stdout, text) == (["-m", "katydid.target"], subprocess.PIPE, subprocess.PIPE, True)
        theirs, ours = os.pipe(), os.pipe()
        self._code = Path(tempfile.mkdtemp()) / "code"
        asked = {"words": command[3:], "code": str(self._code), "folder": str(Path.cwd()), "env": dict(os.environ)}
        line = _started()
        socket.send_fds(line, [json.dumps(asked).encode()], [theirs[0], ours[1]])
        for end in (theirs[0], ours[1]):
            os.close(end)
        self.stdin, self.stdout = os.fdopen(theirs[1], "w"), os.fdopen(ours[0])
        self.pid, self.returncode = int(line.recv(20)), None

    def poll(self):
        if self.returncode is None:
            with contextlib.suppress(FileNotFoundError):
                self.returncode = int(self._code.read_text())
                self._code.unlink()
                self._code.parent.rmdir()
        return self.returncode

    def wait(self, timeout=float("inf")):
        until = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > until:
                raise subprocess.TimeoutExpired("katydid.target", timeout)
            time.sleep(POLL_S)
        return self.returncode

    def terminate(self):
        self._signal(signal.SIGTERM)

    def kill(self):
        self._signal(signal.SIGKILL)

    def _signal(self, number):
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


@pytest.fixture(scope="module", autouse=True)
def _targets_are_warm(request):
    """Those that `start_target` starts, but in tests of how a target starts and ends (COLD)."""
    with pytest.MonkeyPatch.context() as patched:
        if not getattr(request.module, "COLD", sys.platform != "linux"):
            names = {name: getattr(subprocess, name) for name in ("PIPE", "TimeoutExpired")}
            patched.setattr("katydid.target.process.subprocess", SimpleNamespace(Popen=WarmTarget, **names))
        yield


def _started():
    """The line to the process that forks: one for all tests of this process, which ends with it."""
    global _server  # noqa: PLW0603 - it is made where it is first asked for
    if _server is None or _server[0].poll() is not None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            process = subprocess.Popen([sys.executable, __file__], stdin=theirs)
        _server = process, ours
        atexit.register(_end, *_server)
    return _server[1]


def _end(process, line):
    line.close()
    process.wait(10)


def _serve():
    """Fork for each message; return in the new process alone, with what it is to do."""
    line = socket.socket(fileno=os.dup(0))
    codes = {}

    def reap(*_):
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                made = Path(codes.pop(ended[0]) + ".new")
                made.write_text(str(os.waitstatus_to_exitcode(ended[1])))
                made.rename(made.with_suffix(""))

    signal.signal(signal.SIGCHLD, reap)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the tests, which end this one
    while True:
        message, ends, *_ = socket.recv_fds(line, MOST_BYTES, 2)
        if not message:
            os._exit(0)
        asked = json.loads(message)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})  # it may end before its id is known
        if not (pid := os.fork()):
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
            line.close()
            _become(asked, ends)
            return asked["words"]
        codes[pid] = asked["code"]
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
        for end in ends:
            os.close(end)
        line.send(str(pid).encode())


def _become(asked, ends):
    """Be what a new process would be."""
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["env"])
    for number, end in enumerate(ends):
        os.dup2(end, number)
        os.close(end)
    random.seed()


if __name__ == "__main__":
    sys.path.pop(0)  # the folder of this file, which `python -m` has not
    from katydid.model.errors import KatydidError
    from katydid.target.command import serve
    from katydid.target.settings import settings_from_arguments

    try:
        sys.exit(serve(settings_from_arguments(_serve())))
    except KatydidError as error:
        print(f"katydid: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
