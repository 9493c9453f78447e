"""Katydid and Locust as people start them: as processes, end to end."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd

from strictjson import strictly
from warm import BIN, Warm

ROOT = Path(__file__).resolve().parents[2]
LOCUSTFILE = ROOT / "locustfiles" / "stream.py"
WARM = {("run",), ("capacity",), ("report",), ("compare",), ("plan",)}
"""Commands that need most of what a load imports."""
PLAIN_SERVER = f"{sys.executable} -m http.server --bind 127.0.0.1 PORT"
"""A shell command, for what only needs something that answers; PORT is to be replaced."""


def clean_environment(**more: str) -> dict[str, str]:
    """This process's environment without what would change a run."""
    theirs = ("LOCUST_", "LOAD_TEST_", "OPENAI_", "ANTHROPIC_", "OLLAMA_")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(theirs) and "proxy" not in k.lower()}
    return kept | {"PYTHONUNBUFFERED": "1"} | more


class Running:
    """A process that was started; its output goes to files, so that nothing ever blocks on a pipe.

    Args:
        command: the program and its arguments.
        folder: where it runs, and where its output is kept.
        env: variables beside those of a clean environment.
        warm: it is `katydid`, and may begin with everything imported.
    """

    def __init__(self, command, folder: Path, env=None, *, warm=False):
        folder.mkdir(parents=True, exist_ok=True)
        number = len(list(folder.glob("*.out")))
        self.out_path, self.err_path = folder / f"{number}.out", folder / f"{number}.err"
        words, variables = [str(word) for word in command], clean_environment(**(env or {}))
        with self.out_path.open("wb") as out, self.err_path.open("wb") as err:
            if warm:
                self.process = Warm(words[1:], self.out_path, self.err_path, folder, variables)
                return
            self.process = subprocess.Popen(
                words, stdout=out, stderr=err, stdin=subprocess.DEVNULL, cwd=folder, env=variables,
                start_new_session=True,
            )  # fmt: skip

    @property
    def out(self) -> str:
        return self.out_path.read_text()

    @property
    def err(self) -> str:
        return self.err_path.read_text()

    def wait(self, seconds: float = 60) -> int:
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill_all()
            raise AssertionError(f"did not end in {seconds} s\n{self.out}\n{self.err}") from None

    def signal(self, number: int) -> None:
        """To the first process alone, as `kill` does."""
        os.kill(self.process.pid, number)

    def signal_all(self, number: int) -> None:
        """To all its processes, as Ctrl-C in a terminal does."""
        os.killpg(self.process.pid, number)

    def kill_all(self) -> None:
        """kill -9 of everything."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)

    def end(self) -> None:
        """As Ctrl-C does, so that it comes to its own end; kill -9 where that takes long."""
        if self.process.poll() is None:
            self.signal_all(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(10)
        self.kill_all()


def katydid(*words, folder: Path, env=None, cold=False) -> Running:
    """The command; one of WARM begins with everything imported, but where the test is of its start (`cold`)."""
    python = any(name.startswith("PYTHON") for name in env or {})  # is read at the start of an interpreter only
    return Running([BIN / "katydid", *words], folder, env, warm=words[:1] in WARM and not cold and not python)


def locust(*words, folder: Path, env=None) -> Running:
    return Running([BIN / "locust", "-f", LOCUSTFILE, *words], folder, env)


class Run:
    """A run folder, as a test looks at it."""

    def __init__(self, path: Path):
        self.path = path
        self.manifest = strictly((path / "manifest.json").read_text())

    @property
    def samples(self) -> pd.DataFrame:
        return pd.read_parquet(self.path / "samples.parquet")

    @property
    def monitor(self) -> pd.DataFrame:
        return pd.read_parquet(self.path / "monitor.parquet")

    @property
    def summary(self) -> dict:
        return strictly((self.path / "summary.json").read_text())

    @property
    def files(self) -> set[str]:
        """Names, but for the one that only streamed answers leave."""
        return {p.name for p in self.path.iterdir()} - {"gaps.parquet"}


COMPLETE = {"manifest.json", "samples.parquet", "monitor.parquet", "summary.json", "report.html", "locust.html"}


def runs_in(results: Path) -> list[Run]:
    return [Run(p.parent) for p in sorted(results.rglob("manifest.json"))]


def the_run(results: Path) -> Run:
    (run,) = runs_in(results)
    return run


def wait_until(condition, seconds: float = 20, what: str = "the condition"):
    """Poll until `condition()` gives something; its value."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError(f"{what} did not come about in {seconds} s")


def free_port() -> int:
    """One that nobody has, and that the system will give to nobody: those it gives begin at 32768."""
    while True:
        port = random.randrange(10_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
