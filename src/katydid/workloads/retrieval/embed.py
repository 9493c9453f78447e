"""Users of the workload `embed`.

They and those of `rerank` are in modules of their own: importing a user class makes its options known.
"""

from collections.abc import Collection
from typing import ClassVar

from katydid.engine.options import RunOptions
from katydid.engine.services.chat import ChatService
from katydid.model.workload import WORKLOADS
from katydid.workloads.retrieval.user import ListService, ListUser


class EmbedService(ListService):
    """A target that embeds texts."""

    reads: ClassVar[Collection[str]] = ("vectors",)


class EmbedUser(ListUser):
    """Has texts embedded and times the answers.

    Columns:
        items: number of texts in the request.
        dimensions: number of dimensions of each vector.
    """

    abstract = True
    record = WORKLOADS["embed"]
    service_class: ClassVar[type[ChatService[RunOptions]]] = EmbedService
    request_type = "EMBED"
