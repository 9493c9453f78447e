"""The workload `rerank`: documents are ranked against a query, several a request."""

from collections.abc import Callable, Collection
from typing import ClassVar

from katydid.engine.options import RunOptions
from katydid.engine.services.chat import ChatService
from katydid.engine.services.questions import Questions
from katydid.model.workload import WORKLOADS
from katydid.workloads.retrieval import RerankOptions
from katydid.workloads.retrieval.lists import ListService, ListUser, TextLists


class QueriesAndDocuments(TextLists):
    """A query and its documents a request."""

    query = 1


class RerankService(ListService[RerankOptions]):
    """A target that ranks documents."""

    reads: ClassVar[Collection[str]] = ("ranking",)
    questions_class: ClassVar[Callable[..., Questions]] = QueriesAndDocuments


class RerankUser(ListUser):
    """Has documents ranked against a query, and times the answer.

    Columns:
        items: documents of the request.
    """

    abstract = True
    record = WORKLOADS["rerank"]
    service_class: ClassVar[type[ChatService[RunOptions]]] = RerankService
    request_type = "RERANK"
