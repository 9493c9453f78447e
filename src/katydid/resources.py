"""The locustfiles and thresholds files that ship with Katydid, and calls to git."""

import subprocess
from functools import cache
from pathlib import Path

from katydid.model.arguments import did_you_mean
from katydid.model.errors import ConfigError

_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parents[1]
_PATIENCE_S = 5.0
"""Time limit of a git command."""


def resource_folder(name: str) -> Path:
    """The folder `locustfiles` or `thresholds`, in the installed package or at the root of a checkout."""
    installed = _PACKAGE / name
    return installed if installed.is_dir() else _CHECKOUT / name


def git(*words: str, folder: Path) -> str:
    """Run git in a folder and return its output; empty if it fails or is not installed."""
    command = ["git", "-C", str(folder), *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_PATIENCE_S)  # noqa: S603 - git
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


@cache
def own_commit() -> str | None:
    """The commit of the checkout that this code runs from; None if it is an installed package or git is missing."""
    if not (_CHECKOUT / ".git").exists():
        return None
    return git("rev-parse", "--short", "HEAD", folder=_CHECKOUT) or None


def shipped_workloads() -> list[str]:
    """The names of Katydid's own workloads; each has a locustfile and a record in `katydid.workloads`."""
    return sorted(path.stem for path in resource_folder("locustfiles").glob("*.py"))


def locustfile(workload: str) -> Path:
    """The path of a locustfile, given a workload's name or the path itself.

    Raises:
        ConfigError: there is no such workload or file.
    """
    given = Path(workload)
    if given.suffix == ".py":
        if not given.is_file():
            raise ConfigError(
                f"{workload}: no such locustfile; correct its path, or give the name of a workload, as stream"
            )
        return given
    if workload not in (known := shipped_workloads()):
        offered = f": use one of {', '.join(known)}, or the path of a locustfile"
        raise ConfigError(f"there is no workload {workload!r}{did_you_mean(workload, known) or offered}")
    return resource_folder("locustfiles") / f"{workload}.py"


def thresholds_file(name: str) -> Path:
    """The path of a thresholds file, given the path itself or the name of a workload with a shipped file."""
    shipped = resource_folder("thresholds") / f"{name}.toml"
    return shipped if not Path(name).exists() and "/" not in name and shipped.is_file() else Path(name)
