"""Users of the workload `rerank`."""

from collections.abc import Callable, Collection
from typing import ClassVar

from katydid.dialects.loading import load_object
from katydid.engine.options import RunOptions
from katydid.engine.services.chat import ChatService
from katydid.engine.services.questions import Questions
from katydid.model.workload import WORKLOADS
from katydid.workloads.retrieval.user import ListService, ListUser, TextLists


class QueriesAndDocuments(TextLists):
    """Requests with a query and its documents."""

    query = 1


class RerankService(ListService):
    """A target that ranks documents."""

    reads: ClassVar[Collection[str]] = ("ranking",)
    questions_class: ClassVar[Callable[..., Questions]] = QueriesAndDocuments

    def begin(self, model: str) -> None:
        """See `service.Service.begin`; a field `top_n` of `--body` limits the items of each answer."""
        super().begin(model)
        most = load_object(self.body(self.questions.look(), stream=False)).get("top_n")
        if isinstance(most, int):
            self._wanted = min(most, self.options.texts)


class RerankUser(ListUser):
    """Has documents ranked against a query and times the answers.

    Columns:
        items: number of documents in the request.
    """

    abstract = True
    record = WORKLOADS["rerank"]
    service_class: ClassVar[type[ChatService[RunOptions]]] = RerankService
    request_type = "RERANK"
