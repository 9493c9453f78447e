"""Where the files are that ship with Katydid but are not code, locustfiles and thresholds; and what git says."""

import subprocess
from functools import cache
from pathlib import Path

from katydid.model.arguments import did_you_mean
from katydid.model.errors import ConfigError

_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parents[1]
_PATIENCE_S = 5.0
"""What git may take to answer."""


def resource_folder(name: str) -> Path:
    """`locustfiles` or `thresholds`: inside the installed package, or at the root of a checkout."""
    installed = _PACKAGE / name
    return installed if installed.is_dir() else _CHECKOUT / name


def git(*words: str, folder: Path) -> str:
    """What git says in a folder; empty where it fails, says nothing, or is not there."""
    command = ["git", "-C", str(folder), *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_PATIENCE_S)  # noqa: S603 - git
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


@cache
def own_commit() -> str | None:
    """The commit of the checkout that this is; None of an installed package, or where git is not there."""
    if not (_CHECKOUT / ".git").exists():
        return None
    return git("rev-parse", "--short", "HEAD", folder=_CHECKOUT) or None


def shipped_workloads() -> list[str]:
    """The names of our own workloads; each is a locustfile, and a record of `katydid.workloads`."""
    return sorted(path.stem for path in resource_folder("locustfiles").glob("*.py"))


def locustfile(workload: str) -> Path:
    """The locustfile of a workload, by its name or its path.

    Raises:
        ConfigError: there is none.
    """
    given = Path(workload)
    if given.suffix == ".py":
        if not given.is_file():
            raise ConfigError(
                f"{workload}: no such locustfile; correct its path, or take a workload by its name, as stream"
            )
        return given
    if workload not in (known := shipped_workloads()):
        offered = f": take one of {', '.join(known)}, or the path of a locustfile"
        raise ConfigError(f"there is no workload {workload!r}{did_you_mean(workload, known) or offered}")
    return resource_folder("locustfiles") / f"{workload}.py"


def thresholds_file(name: str) -> Path:
    """The thresholds file of a path, or the one that we ship for the workload of that name."""
    shipped = resource_folder("thresholds") / f"{name}.toml"
    return shipped if not Path(name).exists() and "/" not in name and shipped.is_file() else Path(name)
