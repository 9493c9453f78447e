"""The workload `embed`: texts are embedded, one or several a request."""

from collections.abc import Collection
from typing import ClassVar

from katydid.engine.options import RunOptions
from katydid.engine.services.chat import ChatService
from katydid.model.workload import WORKLOADS
from katydid.workloads.retrieval import EmbedOptions
from katydid.workloads.retrieval.lists import ListService, ListUser


class EmbedService(ListService[EmbedOptions]):
    """A target that embeds texts."""

    reads: ClassVar[Collection[str]] = ("vectors",)


class EmbedUser(ListUser):
    """Has texts embedded, and times the answer.

    Columns:
        items: texts of the request.
        dimensions: of each vector.
    """

    abstract = True
    record = WORKLOADS["embed"]
    service_class: ClassVar[type[ChatService[RunOptions]]] = EmbedService
    request_type = "EMBED"
