"""Which faults are injected into which workload, how it is run for that, and why other faults do not apply to it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from faultbook import REPLY, STREAM, WHOLE, Wire
from faultserver import WELL, Answer, sized
from faultsockets import SOCKET_TALK, SOCKET_TALK_WELL, SPEECH, SPEECH_WELL
from faultturns import (
    ANSWERS,
    CALLS,
    TALK,
    TALK_WELL,
    WHOLE_ANSWERS,
    is_answer,
    well_with_tools,
    well_with_whole_tools,
)
from katydid.model.sample import ErrorClass as E

CLIENTS = ("fast", "requests")
STEADY = ("--users", 1, "--interval", 0.02)
"""One user, one request after the other, until the run is stopped."""


def _scenario(transport: str) -> str:
    return f"""
transport = "{transport}"
[message]
path = "/talk"
body = {{ type = "stop", message = "{{{{ text }}}}" }}
text = "This is message {{{{ turn }}}}; my word for it is {{{{ marker }}}}."
read = {{ text = "response", id = "id" }}
"""


@dataclass(frozen=True)
class Kind:
    """A way to run a workload, and the faults that are injected into it.

    Attributes:
        name: how it differs from the default; empty for the default.
        clients: those that can run it.
        well: the good answer to a request.
        deals: which requests get faults.
        words: options of the run.
        files: text of each file that the run needs, by name.
        ends: whether the run ends by itself after all faults.
    """

    workload: str
    name: str
    cases: tuple[Wire, ...]
    well: Callable[[bytes], Answer]
    clients: tuple[str, ...] = CLIENTS
    deals: Callable[[bytes], bool] = lambda _: True
    words: tuple[object, ...] = STEADY
    files: dict[str, str] = field(default_factory=dict)
    ends: bool = False

    def __str__(self) -> str:
        return f"{self.workload} {self.name}".strip()

    def selected(self, *, quick: bool) -> tuple[Wire, ...]:
        """All cases, or those that are over quickly."""
        return tuple(case for case in self.cases if case.answer.is_quick or not quick)


def _without_tokens(case: Wire) -> Wire:
    """The case as a session sees it: a session reads only the text of a stream."""
    if case.fault == 5:
        return replace(case, also=lambda row: row.gap_max_ms < 200 and row.ttft_ms < row.duration_ms - 200)
    if case.fault == 6:
        return replace(case, error=E.EMPTY, detail="no content", chunks=0, also=lambda _: True)
    return replace(case, also=lambda row: row.ttft_bound) if case.fault == 7 else case


STREAMED_TALK = tuple(map(_without_tokens, STREAM))
WORDS_OF_A_TALK = (*STEADY, "--turns", 100_000)

KINDS: tuple[Kind, ...] = (
    Kind("stream", "", STREAM, lambda _: WELL),
    Kind("stream", "all events parsed", STREAM, lambda _: WELL, ("fast",), words=(*STEADY, "--check", "full")),
    Kind("batch", "", WHOLE, lambda _: Answer([sized(REPLY)])),
    Kind("tools", "in the final answer", ANSWERS, well_with_tools, deals=is_answer, words=(*STEADY, "--tool-calls", 1)),
    Kind(
        "tools", "in the tool call", CALLS, well_with_tools, deals=lambda request: not is_answer(request),
        words=(*STEADY, "--tool-calls", 1),
    ),
    Kind(
        "tools", "in a non-streamed answer", WHOLE_ANSWERS, well_with_whole_tools, deals=is_answer,
        words=(*STEADY, "--tool-calls", 1, "--tools-answers", "whole"),
    ),
    Kind("burst", "", STREAM, lambda _: WELL, words=("--users", 2 * len(STREAM) + 2), ends=True),
    Kind(
        "session", "non-streamed answers", TALK, lambda _: TALK_WELL,
        words=(*WORDS_OF_A_TALK, "--scenario", "talk.toml"), files={"talk.toml": _scenario("json")},
    ),
    Kind("session", "streaming", STREAMED_TALK, lambda _: WELL, words=(*WORDS_OF_A_TALK, "--scenario", "openai")),
    Kind(
        "session", "over WebSockets", SOCKET_TALK, lambda _: SOCKET_TALK_WELL, ("fast",),
        words=(*WORDS_OF_A_TALK, "--scenario", "talk.toml"), files={"talk.toml": _scenario("websocket")},
    ),
    Kind("speech", "", SPEECH, lambda _: SPEECH_WELL, ("fast",), words=(*STEADY, "--audio-speed", 0)),
)  # fmt: skip

_LINES = "its messages are frames, which have no lines"
_ONE_PIECE = "its answer is non-streamed and has no events"
APART: dict[tuple[int, str], str] = {
    **dict.fromkeys(((fault, "speech") for fault in (16, 17)), _LINES),
    **dict.fromkeys(((fault, "speech") for fault in (5, 6, 7)), "its results have no tokens or tool calls"),
    **dict.fromkeys(((fault, "batch") for fault in (4, 5, 7, 12, 16, 17, 18)), _ONE_PIECE),
}
"""Why a fault is not injected into a workload: (fault, workload) → the reason."""


def workloads() -> list[str]:
    """The workloads into which faults on the wire are injected."""
    return list(dict.fromkeys(kind.workload for kind in KINDS))


def cases_of(fault: int) -> dict[str, list[Wire]]:
    """The cases of a fault, by workload."""
    found: dict[str, list[Wire]] = {}
    for kind in KINDS:
        for case in kind.cases:
            if case.fault == fault:
                found.setdefault(kind.workload, []).append(case)
    return found
