"""Runs the shell blocks of a page, in its order, in one folder, as a reader would who types them in; POSIX only.

What the page supposes to be there (services, earlier runs) is put there first; see `standin` for what is changed.
"""

import contextlib
import http.server
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import psutil

import standin
from katydid.target.process import start_target
from pages import Block, blocks
from running import BIN, clean_environment, free_port, wait_until
from serving import serving

TARGET = {"ttft": 0.05, "chunks": 10, "chunk_interval": 0.01, "speech_rtf": 0.05, "speech_workers": 2}
MODELS = "any,katydid-small,claude-sonnet,my-model"
BLOCK_TIME, SERVER_TIME = 600.0, 60.0
"""Seconds that a block may take, and that a run in the background may need for its end."""
_PORT = re.compile(r"127\.0\.0\.1:(\d+)")
_SERVED = re.compile(r"^(?:katydid target .*--port|python \S+\.py) (\d+)", re.MULTILINE)


class OddServer(http.server.BaseHTTPRequestHandler):
    """A service without an API (`/slow`), with metrics (`/metrics`), and one whose stream only its paths describe."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/metrics":
            self.answer("text/plain", b"process_cpu_seconds_total 1.5\nprocess_resident_memory_bytes 1000000\n")
        elif self.path == "/slow":
            time.sleep(0.1)
            self.answer("text/plain", b"done\n")
        else:
            self.send_error(404)

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        events = [b'data: {"answer": {"text": "word"}}\n\n'] * 4 + [b'data: {"status": "finished"}\n\n']
        self.answer("text/event-stream", b"".join(events))

    def answer(self, kind, body):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Tests are quiet."""


@contextlib.contextmanager
def odd_server() -> Iterator[int]:
    with serving(http.server.ThreadingHTTPServer(("127.0.0.1", 0), OddServer)) as server:
        yield server.server_address[1]


def install_commands(folder: Path) -> None:
    """`katydid`, `locust` and `python` that are stood in for."""
    folder.mkdir(parents=True)
    program = Path(standin.__file__)
    for name in ("katydid", "locust", "python"):
        file = folder / name
        file.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(str(program))} {name} "$@"\n')
        file.chmod(0o755)


@dataclass
class PageRun:
    """One page's blocks, one after the other.

    Args:
        folder: where a reader stands at the top of the page.
        scratch: for what is no reader's business.
        odd: ports of the page at which `OddServer` is to answer.
        commands: where `katydid`, `locust` and `python` are to be found; by default in `scratch`.
    """

    page: Path
    folder: Path
    scratch: Path
    odd: tuple[str, ...] = ()
    commands: Path | None = None
    _sessions: list[int] = field(default_factory=list)

    def run(self, chosen: list[Block]) -> None:
        """Run them; an AssertionError tells which one fails, and how."""
        began = time.time()
        self.write_files()
        with contextlib.ExitStack() as stack:
            environment = self._environment(stack)
            try:
                for block in chosen:
                    self._run(block, environment)
                self._servers_are_up()
            finally:
                self._end_all()
        self._runs_have_answers(began)

    def write_files(self) -> None:
        """The blocks that are files."""
        for block in blocks(self.page):
            if block.title:
                (self.folder / block.title).write_text(block.text)

    def _environment(self, stack: contextlib.ExitStack) -> dict[str, str]:
        text = "".join(block.text for block in blocks(self.page) if block.runs)
        served = {m[1] for m in _SERVED.finditer(text) if text.find(f"127.0.0.1:{m[1]}", 0, m.start()) < 0}
        ports = {port: str(free_port()) for port in served}  # where the page has a server before it asks for one
        target = stack.enter_context(start_target(models=MODELS, **TARGET))
        if self.odd:
            odd = stack.enter_context(odd_server())
            ports |= dict.fromkeys(self.odd, str(odd))
        ports |= {port: str(target.port) for port in set(_PORT.findall(text)) - set(ports)}
        commands = self.commands or self.scratch / "commands"
        install_commands(commands)
        self._log = self.scratch / "calls.jsonl"
        self._log.touch()
        settings = {
            "commands": str(BIN), "ports": ports, "served": sorted(served), "target": target.url,
            "pids": {"4711": target.pid}, "log": str(self._log), "web_port": str(free_port()),
            "master_port": str(free_port()),
        }  # fmt: skip
        path = f"{commands}{os.pathsep}{os.environ['PATH']}"
        home = self.scratch / "home"
        home.mkdir()
        return clean_environment(
            PATH=path, HOME=str(home), TMPDIR=str(home), KATYDID_STAND_IN=json.dumps(settings), PAIRS="2",
        )  # fmt: skip

    def _run(self, block: Block, environment: dict[str, str]) -> None:
        """One block; what it exports, and where it stands at its end, is the next one's beginning."""
        kept = self.scratch / "environment.sh"
        before = f"source {shlex.quote(str(kept))}\n" if kept.exists() else ""
        after = f'\n{{ export -p; printf "cd %q\\n" "$PWD"; }} > {shlex.quote(str(kept))}\n'
        output = self.scratch / "output"
        with output.open("wb") as out:
            process = subprocess.Popen(
                ["bash", "--norc", "-ec", before + block.text + after], cwd=self.folder, env=environment,
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
            )  # fmt: skip
            self._sessions.append(process.pid)
            try:
                code = process.wait(BLOCK_TIME)
            except subprocess.TimeoutExpired:
                code = None
        told = output.read_text(errors="replace")
        assert code == 0, f"{self.page.name}, line {block.line}: exit code {code}\n{block.text}\n{told[-4000:]}"

    def calls(self) -> list[dict]:
        """What was called, with its exit code and the seconds that it took."""
        return [json.loads(line) for line in self._log.read_text().splitlines()]

    def _servers_are_up(self) -> None:
        """What went on in the background is still there, or, where it has an end of its own, comes to it."""
        for call in self.calls():
            if call["pid"] is None:
                continue
            if "--headless" in call["command"] or "--worker" in call["command"]:
                wait_until(lambda pid=call["pid"]: not _is_up(pid), SERVER_TIME, f"the end of {call['command']}")
            else:
                time.sleep(1.0)
                told = Path(f"{self._log}.servers").read_text(errors="replace")
                assert _is_up(call["pid"]), f"{self.page.name}: {call['command']} is over\n{told[-4000:]}"

    def _end_all(self) -> None:
        """Nothing that a block has started goes on."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            left = [process for process in psutil.process_iter() if _session(process.pid) in self._sessions]
            for process in left:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.send_signal(number)
            psutil.wait_procs(left, timeout=5.0)

    def _runs_have_answers(self, began: float) -> None:
        """Exit codes do not say that a run was the page's own fault: its target was not asked what it understands."""
        for file in self.folder.rglob("samples.parquet"):
            if file.stat().st_mtime >= began:
                samples = pd.read_parquet(file)
                wrong = samples["detail"].dropna().unique()[:3]
                assert (samples["outcome"] == "ok").any(), f"{self.page.name}: no answer in {file.parent}: {wrong}"


def _is_up(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except (ProcessLookupError, PermissionError):
        return 0
