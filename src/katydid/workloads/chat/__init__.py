"""The workload `chat`: conversations of several turns, in which each request carries the turns before it.

The schedule starts conversations. The turns of a conversation follow each other, separated by the user's think times.
"""

from dataclasses import dataclass
from typing import ClassVar

from katydid.engine.options import RunOptions
from katydid.load.conversation import Keeper, think_time, turns
from katydid.model.metrics.declared import Metric
from katydid.model.options import NOT_NEGATIVE, option
from katydid.model.options.quantities import duration
from katydid.model.workload import Workload, register
from katydid.workloads.chat.analysis import GROWING, chat_summary
from katydid.workloads.chat.section import chat_answer, chat_section


@dataclass(frozen=True, kw_only=True)
class ChatOptions(RunOptions):
    """Options of the workload `chat`."""

    starts: ClassVar[str] = "conversation"
    interval: float = option(
        0.0,
        "seconds from one conversation of a user to its next; 0 = closed loop: the next starts when the last has ended",
        kind=duration,
        rule=NOT_NEGATIVE,
    )
    turns: str = option("5", "turns per conversation: 8, normal(8,2), lognormal(6,5) or uniform(2,10)", kind=turns)
    think_time: str = option(
        "0s",
        "time from an answer to the user's next turn: 2s, normal(5s,1s), lognormal(8s,6s) or uniform(1s,5s)",
        kind=think_time,
    )
    history: str = option(
        Keeper.CLIENT.value,
        "who keeps the history: client = each request carries all turns so far; server = the target keeps it, and each "
        "request carries the new turn and the id of the last answer (--api openai-responses)",
        choices=tuple(keeper.value for keeper in Keeper),
    )
    session_header: str | None = option(
        None, "header that carries the conversation's id in each request, for session-affine routing"
    )


CHAT = register(
    Workload(
        name="chat",
        options=ChatOptions,
        user="katydid.workloads.chat.user:ChatUser",
        columns={
            "kind": str,
            "session_id": str,
            "turn": int,
            "think_ms": float,
            "history_tokens": int,
            "completed": bool,
            "conversation_ms": float,
            "ttft_first_turn_ms": float,
            "ttft_later_turns_ms": float,
        },
        metrics=(
            Metric(
                "conversations_per_s",
                "Conversations",
                "completed",
                "rate",
                better="higher",
                definition="Conversations per second in which every turn was answered, counted at the start of their "
                "last turn.",
            ),
            Metric(
                "ttft_first_turn",
                "Time to first token, first turn",
                "ttft_first_turn_ms",
                definition="TTFT of the turns that begin a conversation, without a history.",
            ),
            Metric(
                "ttft_later_turns",
                "Time to first token, later turns",
                "ttft_later_turns_ms",
                definition="TTFT of all later turns, which have a history.",
            ),
        ),
        rules=(GROWING,),
        summarise=chat_summary,
        answer=chat_answer,
        sections=(chat_section,),
    )
)
