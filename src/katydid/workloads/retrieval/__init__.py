"""The workloads `embed` and `rerank`: a list of texts a request, answered with a vector or a score for each."""

from dataclasses import dataclass

from katydid.dialects import DIALECTS
from katydid.model.metrics.declared import Metric
from katydid.model.options import POSITIVE, Group, option
from katydid.model.options.quantities import count
from katydid.model.workload import Workload, register
from katydid.workloads.batch import BatchOptions

MOST_TEXTS = 2048
"""In one request, as OpenAI has it."""
_AT_MOST = (lambda n: n <= MOST_TEXTS, f"must be at most {MOST_TEXTS}")


@dataclass(frozen=True, kw_only=True)
class ListOptions(BatchOptions):
    """What a run was asked to do whose requests have several texts."""

    @property
    def texts(self) -> int:
        """Of each request, a query not counted."""
        return 1


@dataclass(frozen=True, kw_only=True)
class EmbedOptions(ListOptions):
    """What a run of embeddings was asked to do."""

    api: str = option("embeddings", "the target's API", choices=DIALECTS, group=Group.REQUEST)
    inputs: int = option(1, "texts that each request has embedded", kind=count, rule=POSITIVE, most=_AT_MOST)

    @property
    def texts(self) -> int:
        """See `ListOptions.texts`."""
        return self.inputs


@dataclass(frozen=True, kw_only=True)
class RerankOptions(ListOptions):
    """What a run of a reranker was asked to do."""

    api: str = option("rerank", "the target's API", choices=DIALECTS, group=Group.REQUEST)
    documents: int = option(
        10, "documents that each request has ranked against its query", kind=count, rule=POSITIVE, most=_AT_MOST
    )

    @property
    def texts(self) -> int:
        """See `ListOptions.texts`."""
        return self.documents


def _items_per_s(label: str, what: str) -> Metric:
    definition = f"{what} a second of all users together, in requests that were answered right."
    return Metric("items_per_s", label, "items", read="rate", better="higher", definition=definition)


register(
    Workload(
        name="embed",
        options=EmbedOptions,
        user="katydid.workloads.retrieval.user:EmbedUser",
        columns={"items": int, "dimensions": int},
        metrics=(_items_per_s("Embeddings", "Texts that were embedded"),),
    )
)
register(
    Workload(
        name="rerank",
        options=RerankOptions,
        user="katydid.workloads.retrieval.user:RerankUser",
        columns={"items": int},
        metrics=(_items_per_s("Documents ranked", "Documents that were ranked"),),
    )
)
