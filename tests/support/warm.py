"""Processes of Katydid that begin with everything imported: a start takes a fork, not two seconds of a processor.

Run as a program, this is the process that forks: it imports what a run imports, reads what to start from standard
input, one JSON object a line, and answers with the new process's id. That process sets itself apart (session, folder,
environment, output, random numbers) and calls the command's `main`, as the console script does.
"""

import atexit
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

BIN = Path(sys.executable).parent
POLL_S = 0.02
_server: subprocess.Popen[bytes] | None = None


class Warm:
    """A process of Katydid's, with the part of `subprocess.Popen` that tests use.

    Args:
        words: the arguments of `katydid`.
        out, err: files that take its output.
        folder: where it runs.
        env: its whole environment.
    """

    def __init__(self, words: list[str], out: Path, err: Path, folder: Path, env: dict[str, str]):
        server = _started()
        self._code = out.with_suffix(".code")
        asked = {
            "argv": [str(BIN / "katydid"), *words], "out": str(out), "err": str(err), "code": str(self._code),
            "folder": str(folder), "env": env,
        }  # fmt: skip
        server.stdin.write(json.dumps(asked).encode() + b"\n")
        server.stdin.flush()
        self.pid = int(server.stdout.readline())

    def poll(self) -> int | None:
        """Its exit code, as `Popen` has it; None where it runs."""
        with contextlib.suppress(FileNotFoundError, ValueError):
            return int(self._code.read_text())
        return None

    def wait(self, timeout: float | None = None) -> int:
        until = time.monotonic() + (timeout or float("inf"))
        while (code := self.poll()) is None:
            if time.monotonic() > until:
                raise subprocess.TimeoutExpired("katydid", timeout)
            time.sleep(POLL_S)
        return code


def _started() -> subprocess.Popen[bytes]:
    """The process that forks: one for all tests of this process, which ends with it."""
    global _server  # noqa: PLW0603 - it is made where it is first asked for
    if _server is None or _server.poll() is not None:
        command = [sys.executable, "-u", __file__]
        _server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        atexit.register(_end, _server)
    return _server


def _end(server: subprocess.Popen[bytes]) -> None:
    server.stdin.close()
    server.wait(10)
    server.stdout.close()


def _serve() -> None:
    """Fork for each line of standard input; return in the new process alone."""
    fork, waitpid, on = os.fork, os.waitpid, signal.signal  # before gevent replaces them: there is no hub here
    for name in ("locust.main", "katydid.commands.loading.run", "katydid.engine.plugin", "katydid.workloads"):
        import_module(name)
    templates = import_module("katydid.report.render.page")._environment()
    for name in templates.list_templates(extensions=["html"]):
        templates.get_template(name)  # else each of them compiles those of its report

    children: dict[int, str] = {}

    def reap(*_: object) -> None:
        with contextlib.suppress(ChildProcessError):
            while (ended := waitpid(-1, os.WNOHANG))[0]:
                made = Path(children.pop(ended[0]) + ".new")
                made.write_text(str(os.waitstatus_to_exitcode(ended[1])))
                made.rename(made.with_suffix(""))

    on(signal.SIGCHLD, reap)
    on(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the tests, which end this one
    while line := sys.stdin.buffer.readline():
        asked = json.loads(line)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})  # it may end before its id is known
        pid = fork()
        if not pid:
            on(signal.SIGCHLD, signal.SIG_DFL)
            on(signal.SIGINT, signal.default_int_handler)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
            _become(asked)
            return
        children[pid] = asked["code"]
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
        print(pid, flush=True)
    os._exit(0)


def _become(asked: dict) -> None:
    """Be what a new process would be."""
    os.setsid()
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["env"])
    for number, path in enumerate((os.devnull, asked["out"], asked["err"])):
        file = os.open(path, os.O_RDWR)
        os.dup2(file, number)
        os.close(file)
    random.seed()
    sys.argv, sys.path[0] = asked["argv"], str(BIN)


if __name__ == "__main__":
    _serve()
    from katydid.cli import main

    sys.exit(main())
