"""The runs of pairs: each `katydid run` in a process of its own, its version started and stopped around it."""

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
"""How a run may end without ending the comparison, which says what that means."""


class Runs:
    """Makes the runs of both versions.

    Where both are started, each is so for its runs alone: they may need the same port and the same machine. A version
    that is started beside one that runs all the time stays up for all runs, so that neither is the colder one. Both
    runs of a pair have the same seed and each pair another: a server's cache knows the made prompts of an earlier pair.

    Args:
        asked: what was asked for.
        results: where the runs go.
        patience: seconds that a started version gets to answer.
    """

    def __init__(self, asked: Asked, results: Path, patience: float) -> None:
        self._asked, self._results, self._patience = asked, results, patience
        self._alternating = all(version.start for version in asked.versions.values())
        self._made: Counter[str] = Counter()
        self._seed: int | None = None

    @contextmanager
    def beside(self) -> Iterator[None]:
        """While versions that stay up for all runs are up."""
        lone = [side for side, version in self._asked.versions.items() if version.start and not self._alternating]
        with self._served(lone[0]) if lone else nullcontext():
            yield

    def make(self, side: str) -> RunFolder | None:
        """A run of `base` or `new`; None where it left no folder.

        Raises:
            VersionError: the version could not be started, or the run says that something must be changed.
            KeyboardInterrupt: it was interrupted.
        """
        before = self._folders()
        words = [*self._words(self._asked.versions[side]), *self._seed_of_pair(self._made[side])]
        self._made[side] += 1
        with self._served(side) if self._alternating else nullcontext():
            code = call([sys.executable, "-m", "katydid", "run", *words])
        if code == ExitCode.INTERRUPTED:
            raise KeyboardInterrupt
        if code not in GO_ON:
            raise VersionError(f"the run of {side} ended with exit code {code}: see above", side, code)
        found = sorted(self._folders() - before)
        if not found:
            return None
        folder = RunFolder(found[-1])
        if self._seed is None and self._made[side] == 1:
            seed = (folder.manifest().options or {}).get(SEED)
            self._seed = seed if isinstance(seed, int) else None
        return folder

    def _seed_of_pair(self, number: int) -> list[str]:
        """The option that says it, by the number of the pair from 0; none for the first, nor where a run has none."""
        return [f"--{SEED}", str(self._seed + number)] if number and self._seed is not None else []

    def _served(self, side: str) -> AbstractContextManager[object]:
        return ServedVersion(side, self._asked.versions[side], self._patience)

    def _words(self, version: Version) -> list[str]:
        ours = ["--host", version.host, "--version-label", version.label, "--results", str(self._results)]
        return [self._asked.workload, *self._asked.options, *ours]

    def _folders(self) -> set[Path]:
        return {found.parent for found in self._results.glob("*/*/*/manifest.json")}


def has_history(results: Path, workload: str) -> bool:
    """Whether earlier runs of the workload lie in the folder; whether their load was the same is seen after a run."""
    return any(results.glob(f"{Path(workload).stem}/*/*/manifest.json"))


def call(command: Sequence[str]) -> int:
    """Its exit code; what it prints goes to standard error, and an interruption of ours becomes one of its own."""
    process = subprocess.Popen(  # noqa: S603 - ourselves
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
    """SIGTERM ends as Ctrl-C does: the run ends properly, and what was started is stopped."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
