"""The workload `scale`: a sweep over stages of more and more users. Which stage when: `shape.py`."""

from dataclasses import dataclass
from typing import ClassVar

from katydid.engine.options import AT_MOST_A_YEAR, NOT_NEGATIVE, POSITIVE, RunOptions, option
from katydid.engine.services.chat import ChatService
from katydid.engine.user import PacedUser
from katydid.workloads.batch.user import BatchOptions, BatchUser
from katydid.workloads.stream.user import StreamUser


@dataclass(frozen=True, kw_only=True)
class ScaleOptions(BatchOptions):
    """What a sweep was asked to do."""

    failure_threshold: int = option(
        0,
        "stop at this many failed requests; 0 = never: failures are what a sweep is to show",
        kind=int,
        rule=NOT_NEGATIVE,
    )
    stages: str = option("100,200,1000,10000", "users of each stage, in increasing order")
    stage_time: float = option(
        60.0, "seconds of each stage, its first interval not counted", kind=float, rule=POSITIVE, most=AT_MOST_A_YEAR
    )
    cool_down: float = option(
        10.0, "seconds without load between two stages", kind=float, rule=NOT_NEGATIVE, most=AT_MOST_A_YEAR
    )
    scale_workload: str = option("batch", "what each user asks for", choices=("batch", "stream"))
    thresholds: str | None = option(None, "file whose [objective] is to be kept (default: failures and --limit)")
    limit: float | None = option(
        None,
        "seconds that 95 % of the answers may take (default: the interval)",
        kind=float,
        rule=POSITIVE,
        most=AT_MOST_A_YEAR,
    )


class ScaleService(ChatService):
    """The service of a sweep."""

    @property
    def streams(self) -> bool:  # type: ignore[override]  # here an option says it
        """Whether users ask for streamed answers."""
        return bool(getattr(self._options, "scale_workload", "batch") == "stream")


class ScaleUser(BatchUser, StreamUser):
    """Asks for whole answers, or for streamed ones."""

    abstract = True
    workload = "scale"
    service_class: ClassVar[type[ChatService]] = ScaleService
    options_class: ClassVar[type[RunOptions]] = ScaleOptions
    request_type = "SCALE"

    def iterate(self, scheduled: float) -> None:
        """One request of the kind that was asked for."""
        options = self.run_context.options
        assert isinstance(options, ScaleOptions)  # noqa: S101 - it is our options_class
        if options.scale_workload == "stream":
            PacedUser.iterate(self, scheduled)
        else:
            BatchUser.iterate(self, scheduled)
