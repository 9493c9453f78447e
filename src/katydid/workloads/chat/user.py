"""Users of the workload `chat`: they ask, read the answer, think, and ask again until the conversation is over.

One iteration is one conversation. It has a row per turn (`kind` is `request`) and a row for the whole conversation
(`kind` is `iteration`), which counts in no rate and no threshold. A turn that fails ends its conversation.
"""

import time
from typing import Any, ClassVar

from katydid.engine.measuring import measure_whole
from katydid.engine.options import RunOptions
from katydid.engine.options.arrivals import BUSY_SECONDS
from katydid.engine.services.chat import ChatService
from katydid.engine.user import PacedUser
from katydid.load.conversation import Rhythm, place_of
from katydid.model.sample import ErrorClass, Outcome, Sample
from katydid.model.workload import Workload
from katydid.workloads.chat import CHAT, ChatOptions
from katydid.workloads.chat.service import Conversation, ConversationService


class ChatUser(PacedUser[ChatOptions, ConversationService]):
    """Holds conversations: each turn adds a new message to the history.

    Columns:
        kind: `request` for a turn, `iteration` for the row of a whole conversation, which counts in no rate.
        session_id: the conversation's id, the same in all of its rows; the value of `--session-header`.
        turn: number of the turn, from 1; in the row of the whole conversation, the number of answered turns.
        think_ms: think time, from the previous answer to when this turn was due.
        history_tokens: tokens of the turns before, as counted by the target; null if it counts none.
        completed: true if this was the last turn and it was answered.
        conversation_ms: from the start of the first request to the end of the last, for completed conversations.
        ttft_first_turn_ms: TTFT of a first turn.
        ttft_later_turns_ms: TTFT of a later turn.
    """

    abstract = True
    record: ClassVar[Workload] = CHAT
    service_class: ClassVar[type[ChatService[RunOptions]]] = ConversationService
    options_class: ClassVar[type[RunOptions]] = ChatOptions
    request_type = "CHAT"

    @classmethod
    def busy_seconds(cls, options: Any) -> float:
        """See `PacedUser.busy_seconds`."""
        return Rhythm.read(options.seed, options.turns, options.think_time).mean_seconds(BUSY_SECONDS)

    _turns_begun = 0

    @property
    def draw(self) -> tuple[int, int]:
        """See `PacedUser.draw`; each turn of a conversation has its own draw."""
        user, iteration = super().draw
        return user, place_of(iteration, max(1, self._turns_begun))

    def iterate(self, scheduled: float) -> None:
        """Hold one conversation."""
        with self.sampled(scheduled, "conversation", counts=False) as whole:
            talk = self.service.begin_conversation(whole.request_id, *super().draw)
            self._turns_begun = 0
            whole.extra |= {"kind": "iteration", "session_id": talk.id, "turn": 0}
            while True:
                last = self._turn(talk, scheduled)
                measure_whole(whole, last, talk.began_ms, self.now_ms())
                if last.outcome is not Outcome.OK:
                    break
                whole.extra["turn"] = talk.turn
                if talk.is_over:
                    break
                scheduled = time.monotonic() + talk.think_seconds
                self.pause(scheduled)

    def _turn(self, talk: Conversation, scheduled: float) -> Sample:
        """Send one turn, read its answer, and add both to the conversation."""
        with self.sampled(scheduled) as sample:
            self._turns_begun = talk.turn + 1
            request = self.service.next_turn(talk, sample)
            parser = self.service.turn_parser(talk)
            log = self.run_context.event_log
            self.exchange(sample, request, parser, log.before(parser, sample.request_id) if log else None)
            if talk.began_ms is None:
                talk.began_ms = sample.start_ms
            sample.extra["ttft_first_turn_ms" if talk.turn == 1 else "ttft_later_turns_ms"] = sample.ttft_ms
            if sample.outcome is Outcome.OK and (problem := self.service.heard(talk, sample, parser)) is not None:
                sample.fail(ErrorClass.EMPTY, problem)
            over = sample.outcome is Outcome.OK and talk.is_over
            sample.extra["completed"] = over
            if over and talk.began_ms is not None:
                sample.extra["conversation_ms"] = self.now_ms() - talk.began_ms
        return sample
