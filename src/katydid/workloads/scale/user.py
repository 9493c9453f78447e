"""The workload `scale`: a sweep over stages of more and more users. Which stage when: `shape.py`."""

from typing import ClassVar

from katydid.engine.options import RunOptions
from katydid.engine.services.chat import ChatService
from katydid.engine.user import PacedUser
from katydid.workloads.batch.user import BatchUser
from katydid.workloads.scale import ScaleOptions
from katydid.workloads.stream.user import StreamUser


class ScaleService(ChatService[ScaleOptions]):
    """The service of a sweep."""

    @property
    def streams(self) -> bool:  # type: ignore[override]  # here an option says it
        """Whether users ask for streamed answers."""
        return self.options.scale_workload == "stream"


class ScaleUser(BatchUser, StreamUser):
    """Asks for whole answers, or for streamed ones."""

    options: ScaleOptions
    service: ScaleService
    abstract = True
    workload = "scale"
    service_class: ClassVar[type[ChatService[RunOptions]]] = ScaleService
    options_class: ClassVar[type[RunOptions]] = ScaleOptions
    request_type = "SCALE"

    def iterate(self, scheduled: float) -> None:
        """One request of the kind that was asked for."""
        if self.options.scale_workload == "stream":
            PacedUser.iterate(self, scheduled)
        else:
            BatchUser.iterate(self, scheduled)
