"""What the rest of a run sees of a load shape that runs it in stages; `shape.py` is the shape itself."""

from collections.abc import Mapping
from typing import Any, Protocol

import pyarrow as pa
from locust.env import Environment


class StagedShape(Protocol):
    """A load shape with stages; it lives in the process that keeps the run folder."""

    def check(self, parsed: Any) -> None:
        """See whether its options make sense.

        Raises:
            ConfigError: they do not.
        """

    def facts(self, workload: str) -> Mapping[str, Any]:
        """What the manifest says about it; may call the workload by another name."""

    def take(self, rows: pa.Table) -> None:
        """Samples that have just come in, of any process."""


def staged_shape(environment: Environment) -> StagedShape | None:
    """The run's shape, where it is one of ours."""
    shape: Any = environment.shape_class
    return shape if hasattr(shape, "facts") and hasattr(shape, "take") else None
