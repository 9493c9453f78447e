"""What `embed` and `rerank` share: requests with several texts, and the check that each text has an answer."""

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from katydid.dialects.answer_parser import AnswerParser
from katydid.dialects.base import Dialect, Message
from katydid.dialects.retrieval import texts_of
from katydid.engine.services.chat import ChatService
from katydid.engine.services.questions import Questions
from katydid.load.made.prompts import MadeBatches, MadePrompts, Plan
from katydid.model.errors import ConfigError
from katydid.model.sample import ErrorClass, Sample
from katydid.workloads.batch.user import BatchUser
from katydid.workloads.retrieval import ListOptions


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
        return _messages("\n\n".join(filter(None, texts_of(prompt.messages))) for prompt in prompts)

    def said(self, text: str) -> list[Message]:
        """Return one message per line."""
        return _messages(text.splitlines())


def _messages(texts: Iterable[str]) -> list[Message]:
    return [{"role": "user", "content": text} for text in texts]


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


class ListService(ChatService[ListOptions]):
    """A target that answers lists of texts."""

    streams = False
    questions_class: ClassVar[Callable[..., Questions]] = TextLists

    def __init__(self, options: ListOptions, host: str) -> None:
        super().__init__(options, host)
        self._wanted = options.texts
        if self.making.sets_outputs:
            raise ConfigError("--output-tokens: answers of this workload have no output tokens: leave it out")

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
