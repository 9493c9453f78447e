"""Compiles our C modules (`_*.c` beside the Python that says what they do) into the wheel.

They only make things faster: where there is no compiler, or it refuses, Katydid runs without them.
"""

import os
import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Compile(BuildHookInterface):  # type: ignore[type-arg] - hatchling's own configuration type
    """Hatchling's hook: builds in place, so that an editable install has them too."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        """Compile what can be, and make the wheel one of this platform if anything was."""
        if sys.platform == "win32" or os.environ.get("KATYDID_NO_C"):  # Windows' sockets have no recvmsg
            return
        built = [module for source in sorted(Path(self.root, "src").rglob("_*.c")) if (module := self._compile(source))]
        if built:
            build_data["pure_python"] = False
            build_data["infer_tag"] = True
            build_data["artifacts"] += [str(module.relative_to(self.root)) for module in built]

    def _compile(self, source: Path) -> Path | None:
        module = source.with_suffix(sysconfig.get_config_var("EXT_SUFFIX") or ".so")
        compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
        include = sysconfig.get_path("include")
        command = [*compiler, "-O3", "-fPIC", "-shared", "-std=c11", "-Wall", "-Wextra", f"-I{include}", str(source)]
        try:
            subprocess.run([*command, "-o", str(module)], check=True, capture_output=True, text=True)  # noqa: S603 - the interpreter's own compiler
        except (OSError, subprocess.CalledProcessError) as error:
            said = getattr(error, "stderr", "") or error
            self.app.display_warning(f"{source.name} was not compiled, Katydid is slower without: {said}")
            return None
        return module
