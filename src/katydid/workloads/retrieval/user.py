"""Users of `embed` and `rerank`: requests with several texts, and the check that each text has an answer."""

from collections.abc import Callable, Collection
from typing import Any, ClassVar, Generic, TypeVar

from katydid.dialects.answer_parser import AnswerParser
from katydid.dialects.base import Dialect, Message
from katydid.dialects.loading import load_object
from katydid.dialects.retrieval import texts_of
from katydid.engine.options import RunOptions
from katydid.engine.services.chat import ChatService
from katydid.engine.services.questions import Questions
from katydid.load.made.prompts import MadeBatches, MadePrompts, Plan
from katydid.model.errors import ConfigError
from katydid.model.sample import ErrorClass, Sample
from katydid.model.workload import WORKLOADS
from katydid.workloads.batch.user import BatchUser
from katydid.workloads.retrieval import EmbedOptions, ListOptions, RerankOptions


class TextLists(Questions):
    """Requests with several prompts, one per text.

    Attributes:
        query: prompts before the texts: 1 if a request has a query, else 0.
    """

    query = 0

    def __init__(self, options: ListOptions, build: Callable[[int, int, Plan], bytes], *, apart: bool = False) -> None:
        self._texts = options.texts
        super().__init__(options, build, apart=apart)

    def make(self, *facts: Any, apart: bool) -> MadePrompts:
        """See `Questions.make`; a shared prefix is in every text."""
        del apart
        return MadeBatches(*facts, texts=self._texts, query=bool(self.query))

    @property
    def count(self) -> int:
        """Requests until the prompts start over; the last one may be filled up with the first prompts."""
        return -(-len(self.prompts.entries) // (self.query + self._texts))

    def messages(self, index: int) -> list[Message]:
        """Return one message per prompt, with all of its texts joined."""
        entries, taken = self.prompts.entries, self.query + self._texts
        prompts = (entries[(index * taken + each) % len(entries)] for each in range(taken))
        return [_message("\n\n".join(filter(None, texts_of(prompt.messages)))) for prompt in prompts]

    def said(self, text: str) -> list[Message]:
        """Return one message per line."""
        return list(map(_message, text.splitlines()))


def _message(text: str) -> Message:
    return {"role": "user", "content": text}


class ListParser(AnswerParser):
    """Parses the answer to a list of texts, which must have exactly one item for each text, or for each of the best.

    Args:
        dialect: reads the body.
        texts: number of texts in the request.
        wanted: number of items that the answer must have.
    """

    def __init__(self, dialect: Dialect, texts: int, wanted: int) -> None:
        super().__init__(dialect)
        self._texts, self._wanted = texts, wanted

    def verdict(self) -> tuple[ErrorClass, str] | None:
        """See `AnswerParser.verdict`."""
        found = super().verdict()
        if found is not None or self.answer is None:
            return found
        indices, wanted = self.answer.indices, self._wanted
        if len(indices) != wanted:
            return ErrorClass.WRONG_ANSWER, f"the answer has {len(indices)} items instead of {wanted}"
        if len(set(indices)) != wanted or max(indices) >= self._texts:
            return ErrorClass.WRONG_ANSWER, f"the items' indices are repeated, or beyond the {self._texts} texts"
        return None


Options_co = TypeVar("Options_co", bound=ListOptions, covariant=True)


class ListService(ChatService[Options_co], Generic[Options_co]):
    """A target that answers lists of texts."""

    streams = False
    questions_class: ClassVar[Callable[..., Questions]] = TextLists

    def __init__(self, options: Options_co, host: str) -> None:
        super().__init__(options, host)
        self._wanted = options.texts
        if self.making.sets_outputs:
            raise ConfigError("--output-tokens: answers of this workload have no output tokens: leave it out")

    def begin(self, model: str) -> None:
        """See `service.Service.begin`; a field `top_n` of `--body` limits the items of each answer."""
        super().begin(model)
        most = load_object(self.body(self.questions.look(), stream=False)).get("top_n")
        if isinstance(most, int):
            self._wanted = min(most, self.options.texts)

    def answer_parser(self) -> AnswerParser:
        """Return a parser for one answer."""
        return ListParser(self.dialect, self.options.texts, self._wanted)


class ListUser(BatchUser):
    """Sends lists of texts and times the answers."""

    abstract = True
    options: ListOptions

    def ask(self, sample: Sample) -> None:
        """See `BatchUser.ask`."""
        sample.extra["items"] = self.options.texts
        super().ask(sample)


class EmbedService(ListService[EmbedOptions]):
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


class QueriesAndDocuments(TextLists):
    """Requests with a query and its documents."""

    query = 1


class RerankService(ListService[RerankOptions]):
    """A target that ranks documents."""

    reads: ClassVar[Collection[str]] = ("ranking",)
    questions_class: ClassVar[Callable[..., Questions]] = QueriesAndDocuments


class RerankUser(ListUser):
    """Has documents ranked against a query and times the answers.

    Columns:
        items: number of documents in the request.
    """

    abstract = True
    record = WORKLOADS["rerank"]
    service_class: ClassVar[type[ChatService[RunOptions]]] = RerankService
    request_type = "RERANK"
