"""The workload `chat`: conversations of several turns, each request with all that was said before.

A schedule starts conversations; the turns of each follow one another, with the user's think times between them.
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
    """What conversations there are."""

    starts: ClassVar[str] = "conversation"
    interval: float = option(
        0.0,
        "seconds from one conversation of a user to its next; 0 = closed loop, the next when the last has ended",
        kind=duration,
        rule=NOT_NEGATIVE,
    )
    turns: str = option("5", "turns of a conversation: 8, normal(8,2), lognormal(6,5) or uniform(2,10)", kind=turns)
    think_time: str = option(
        "0s",
        "from an answer to the user's next turn: 2s, normal(5s,1s), lognormal(8s,6s) or uniform(1s,5s)",
        kind=think_time,
    )
    history: str = option(
        Keeper.CLIENT.value,
        "who keeps a conversation: client = each request has all that was said; server = the target does, and is sent "
        "the new turn and the id of its last answer (--api openai-responses)",
        choices=tuple(keeper.value for keeper in Keeper),
    )
    session_header: str | None = option(
        None, "header in which each request has its conversation's id, for routing that keeps it together"
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
                definition="Conversations a second whose every turn was answered, by the start of their last turn.",
            ),
            Metric(
                "ttft_first_turn",
                "Time to first token, first turn",
                "ttft_first_turn_ms",
                definition="TTFT of the turns that begin a conversation: nothing was said before.",
            ),
            Metric(
                "ttft_later_turns",
                "Time to first token, later turns",
                "ttft_later_turns_ms",
                definition="TTFT of all other turns: their prompts have the history of their conversation.",
            ),
        ),
        rules=(GROWING,),
        summarise=chat_summary,
        answer=chat_answer,
        sections=(chat_section,),
    )
)
