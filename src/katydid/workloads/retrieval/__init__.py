"""The workloads `embed` and `rerank`: each request is a list of texts, answered with a vector or score for each."""

from dataclasses import dataclass

from katydid.dialects import DIALECTS
from katydid.model.metrics.declared import Metric
from katydid.model.options import POSITIVE, Group, option
from katydid.model.options.quantities import count
from katydid.model.workload import Workload, register
from katydid.workloads.batch import BatchOptions

MOST_TEXTS = 2048
"""Texts per request, the limit of OpenAI's API."""
_AT_MOST = (lambda n: n <= MOST_TEXTS, f"must be at most {MOST_TEXTS}")


@dataclass(frozen=True, kw_only=True)
class ListOptions(BatchOptions):
    """Options of workloads whose requests have several texts."""

    @property
    def texts(self) -> int:
        """Texts per request, without a query."""
        return 1


@dataclass(frozen=True, kw_only=True)
class EmbedOptions(ListOptions):
    """Options of the workload `embed`."""

    api: str = option("embeddings", "the target's API", choices=DIALECTS, group=Group.REQUEST)
    inputs: int = option(1, "texts to embed per request", kind=count, rule=POSITIVE, most=_AT_MOST)

    @property
    def texts(self) -> int:
        """See `ListOptions.texts`."""
        return self.inputs


@dataclass(frozen=True, kw_only=True)
class RerankOptions(ListOptions):
    """Options of the workload `rerank`."""

    api: str = option("rerank", "the target's API", choices=DIALECTS, group=Group.REQUEST)
    documents: int = option(
        10, "documents to rank against the query per request", kind=count, rule=POSITIVE, most=_AT_MOST
    )

    @property
    def texts(self) -> int:
        """See `ListOptions.texts`."""
        return self.documents


def _items_per_s(label: str, what: str) -> Metric:
    definition = f"{what} per second by all users together, in successful requests."
    return Metric("items_per_s", label, "items", read="rate", better="higher", definition=definition)


register(
    Workload(
        name="embed",
        options=EmbedOptions,
        user="katydid.workloads.retrieval.embed:EmbedUser",
        columns={"items": int, "dimensions": int},
        metrics=(_items_per_s("Embeddings", "Texts embedded"),),
    )
)
register(
    Workload(
        name="rerank",
        options=RerankOptions,
        user="katydid.workloads.retrieval.rerank:RerankUser",
        columns={"items": int},
        metrics=(_items_per_s("Documents ranked", "Documents ranked"),),
    )
)
