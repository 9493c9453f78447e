"""Makes the runs of pairs: each is a `katydid run` in its own process, around which its version starts and stops."""

import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from katydid.analysis.comparison.comparability import SEED
from katydid.commands.pairs.options import Asked, Version
from katydid.commands.pairs.served import ServedVersion, VersionError
from katydid.model.errors import ExitCode
from katydid.runs.folder import RunFolder

GO_ON = frozenset({ExitCode.PASSED, ExitCode.GATE_FAILED, ExitCode.INVALID})
"""Exit codes of a run after which the comparison goes on; it judges such runs itself."""


class Runs:
    """Makes the runs of both versions.

    If the command starts both versions, each is up only for its own runs, since both may need the same port and the
    same machine. If it starts one and the other is always running, it keeps that one up for all runs, so that neither
    is colder than the other. Both runs of a pair have the same seed, and each pair has a new one, because a server's
    cache knows the generated prompts of an earlier pair.

    Args:
        asked: the request read from the command line.
        results: the results folder of the runs.
        patience: time limit in seconds for a started version to answer.
    """

    def __init__(self, asked: Asked, results: Path, patience: float) -> None:
        self._asked, self._results, self._patience = asked, results, patience
        self._alternating = all(version.start for version in asked.versions.values())
        self._made: Counter[str] = Counter()
        self._seed: int | None = None

    @contextmanager
    def beside(self) -> Iterator[None]:
        """Keep the version up that stays up for all runs, if there is one."""
        lone = [side for side, version in self._asked.versions.items() if version.start and not self._alternating]
        with self._served(lone[0]) if lone else nullcontext():
            yield

    def make(self, side: str) -> RunFolder | None:
        """Make a run of `base` or `new`; None if it left no folder.

        Raises:
            VersionError: the version could not be started, or the run ended with an error.
            KeyboardInterrupt: the run was interrupted.
        """
        before = self._folders()
        words = [*self._words(self._asked.versions[side]), *self._seed_of_pair(self._made[side])]
        self._made[side] += 1
        with self._served(side) if self._alternating else nullcontext():
            code = call([sys.executable, "-m", "katydid", "run", *words])
        if code == ExitCode.INTERRUPTED:
            raise KeyboardInterrupt
        if code not in GO_ON:
            raise VersionError(f"the run of {side} exited with code {code}: see above", side, code)
        found = sorted(self._folders() - before)
        if not found:
            return None
        folder = RunFolder(found[-1])
        if self._seed is None and self._made[side] == 1:
            seed = (folder.manifest().options or {}).get(SEED)
            self._seed = seed if isinstance(seed, int) else None
        return folder

    def _seed_of_pair(self, number: int) -> list[str]:
        """The `--seed` option of pair `number`, from 0; empty for the first pair, and if the runs have no seed."""
        return [f"--{SEED}", str(self._seed + number)] if number and self._seed is not None else []

    def _served(self, side: str) -> AbstractContextManager[object]:
        return ServedVersion(side, self._asked.versions[side], self._patience)

    def _words(self, version: Version) -> list[str]:
        ours = ["--host", version.host, "--version-label", version.label, "--results", str(self._results)]
        return [self._asked.workload, *self._asked.options, *ours]

    def _folders(self) -> set[Path]:
        return {found.parent for found in self._results.glob("*/*/*/manifest.json")}


def has_history(results: Path, workload: str) -> bool:
    """Return True if the folder has runs of the workload; whether their load was the same is checked after a run."""
    return any(results.glob(f"{Path(workload).stem}/*/*/manifest.json"))


def call(command: Sequence[str]) -> int:
    """Run a command and return its exit code; its output goes to standard error, and Ctrl-C is passed on to it."""
    process = subprocess.Popen(  # noqa: S603 - Katydid itself
        command, stdin=subprocess.DEVNULL, stdout=sys.stderr, start_new_session=True
    )
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.send_signal(signal.SIGINT)
        process.wait()
        raise
    except BaseException:
        process.kill()
        process.wait()
        raise


@contextmanager
def sigterm_as_interrupt() -> Iterator[None]:
    """Treat SIGTERM like Ctrl-C: the run ends properly, and started versions are stopped."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
