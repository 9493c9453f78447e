"""`git bisect run katydid bisect` on a repository whose server became slower at one of its commits."""

import os
import shutil
import subprocess
import sys

import pytest
from rich.cells import cell_len

import paced_server
from running import free_port, wait_until

pytestmark = pytest.mark.slow

COMMITS, SLOWER_FROM, BROKEN = 10, 6, 7
"""Counted from 1; the broken one does not start, and git asks for it on its way."""
LOAD = ["--users", "6", "--interval", "0.5", "--run-time", "3s", "--drain", "1"]
WIDTH = 80
PATIENCE = ["--wait-ready", "20s"]


@pytest.fixture
def git(tmp_path):
    """Git in a repository of its own, with a commit for each version of a server."""
    where = tmp_path / "repository"
    where.mkdir()
    identity = {"AUTHOR": "a", "COMMITTER": "a"}
    names = {f"GIT_{who}_{what}": "a@b" for who in identity for what in ("NAME", "EMAIL")}
    environment = os.environ | names | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}

    def git(*words):
        done = subprocess.run(
            ["git", *words], cwd=where, env=environment, capture_output=True, text=True, check=False, timeout=900
        )
        return done.stdout + done.stderr

    git("init", "-q")
    shutil.copy(paced_server.__file__, where / "server.py")
    for number in range(1, COMMITS + 1):
        factor = "no number" if number == BROKEN else "1.2" if number >= SLOWER_FROM else "1.0"
        (where / "factor").write_text(f"{factor}\n# commit {number}\n", encoding="utf-8")
        git("add", ".")
        git("commit", "-q", "-m", f"commit {number}")
        git("tag", f"c{number}")
    return git


CHECKED_OUT = "$(head -n1 factor)"
UNSTEADY = "$(shuf -n1 -e 1.0 1.5 2.0)"
"""A server that is as fast as chance has it, each time that it starts."""


def serve(port, factor):
    return f'exec {sys.executable} server.py {port} "{factor}"'


def katydid_bisect(tmp_path, port, *words, factor=CHECKED_OUT):
    command = [sys.executable, "-m", "katydid", "bisect", *words, "--new", f"http://127.0.0.1:{port}", *LOAD, *PATIENCE]
    return [*command, "--results", str(tmp_path / "reports"), "--", serve(port, factor)]


def listens(port):
    return subprocess.run(["bash", "-c", f"echo >/dev/tcp/127.0.0.1/{port}"], capture_output=True, check=False)


def test_the_commit_that_made_the_server_slower_is_named(git, tmp_path):
    base_port, port = free_port(), free_port()
    good = subprocess.Popen([sys.executable, paced_server.__file__, str(base_port), "1.0"])
    try:
        wait_until(lambda: not listens(base_port).returncode)
        git("bisect", "start", f"c{COMMITS}", "c1")
        said = git("bisect", "run", *katydid_bisect(tmp_path, port, "--base", f"http://127.0.0.1:{base_port}"))
    finally:
        good.terminate()
        good.wait()
    assert f"{git('rev-parse', f'c{SLOWER_FROM}').strip()} is the first bad commit" in said, said
    assert f"git bisect skip {git('rev-parse', f'c{BROKEN}').strip()}" in git("bisect", "log")
    assert listens(port).returncode


@pytest.mark.parametrize(
    ("base", "new", "code"), [("1.0", "1.0", 0), ("1.0", CHECKED_OUT, 1), (UNSTEADY, UNSTEADY, 125)]
)
def test_versions_that_alternate_on_one_address(git, tmp_path, base, new, code):
    port = free_port()
    git("checkout", "-q", f"c{COMMITS}")
    words = ["--start-base", serve(port, base), "--max-pairs", "3"]
    done = subprocess.run(
        katydid_bisect(tmp_path, port, *words, factor=new),
        cwd=tmp_path / "repository", env=os.environ | {"COLUMNS": str(WIDTH)}, capture_output=True, text=True,
        check=False, timeout=300,
    )  # fmt: skip
    lines = (done.stdout + done.stderr).splitlines()
    assert [line for line in lines if cell_len(line) > WIDTH and "/" not in line] == []
    assert done.returncode == code, done.stderr
    assert listens(port).returncode
