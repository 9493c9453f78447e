"""Where the files are that ship with Katydid but are no code: locustfiles and thresholds."""

from pathlib import Path

from katydid.core.errors import ConfigError

_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parents[1]


def resource_folder(name: str) -> Path:
    """`locustfiles` or `thresholds`: inside the installed package, or at the root of a checkout."""
    installed = _PACKAGE / name
    return installed if installed.is_dir() else _CHECKOUT / name


def locustfile(workload: str) -> Path:
    """The locustfile of a workload, by its name or its path.

    Raises:
        ConfigError: there is none.
    """
    given = Path(workload)
    if given.suffix == ".py":
        if not given.is_file():
            raise ConfigError(f"{workload}: no such locustfile")
        return given
    shipped = resource_folder("locustfiles")
    found = shipped / f"{workload}.py"
    if not found.is_file():
        known = ", ".join(sorted(path.stem for path in shipped.glob("*.py")))
        raise ConfigError(f"there is no workload {workload!r}: take one of {known}, or the path of a locustfile")
    return found
