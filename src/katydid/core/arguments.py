"""A command line whose complaints are one line, as everything that a person gets wrong is told."""

import argparse
from typing import NoReturn

from katydid.core.errors import ConfigError


class OneLineParser(argparse.ArgumentParser):
    """An `ArgumentParser` that raises instead of printing its usage and leaving.

    Raises:
        ConfigError: from `parse_args`, with what is wrong.
    """

    def error(self, message: str) -> NoReturn:
        """Called by argparse."""
        raise ConfigError(f"{self.prog.removeprefix('katydid ')}: {message}; see {self.prog} --help")
