"""The workload `session`: conversations whose answers are checked.

`scenario.py` reads what a conversation looks like (the TOML files in `scenarios/` ship with Katydid), `templates.py`
fills it in, `conversation.py` checks it; `user.py` sends it.
"""

from dataclasses import dataclass
from pathlib import Path

from katydid.engine.options import RunOptions
from katydid.load.pacing import Phase
from katydid.model.formatting import plural
from katydid.model.options import NOT_NEGATIVE, POSITIVE, option
from katydid.model.options.quantities import count, duration
from katydid.model.workload import Workload, register
from katydid.workloads.session.analysis import session_summary
from katydid.workloads.session.section import session_answer, session_section

FOLDER = Path(__file__).resolve().parent / "scenarios"


def shipped() -> list[str]:
    """Names of the scenarios that come with Katydid."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


@dataclass(frozen=True, kw_only=True)
class SessionOptions(RunOptions):
    """What conversations there are."""

    scenario: str = option("bridge", f"{', '.join(shipped())}, or a TOML file that describes the conversation")
    turns: int = option(20, "messages that each user sends", kind=count, rule=POSITIVE)
    rooms: str | None = option(None, "rooms, comma-separated, instead of the scenario's")
    session_json: str | None = option(None, "file for the result as one JSON object; - for standard output")
    interval: float = option(
        20.0,
        "seconds from one message of a user to its next; 0 = one after the other",
        kind=duration,
        rule=NOT_NEGATIVE,
    )
    phase: str = option(
        Phase.SPREAD.value,
        "first messages, once all sessions are open: spread over the interval, or all in one burst",
        choices=(Phase.SPREAD.value, Phase.BURST.value),
    )

    @property
    def course(self) -> str:
        """See `RunOptions.course`."""
        each = plural(self.turns, "message")
        return f"{each} each, " + (f"one every {self.interval:g} s" if self.interval else "one after the other")

    @property
    def takes_standard_output(self) -> bool:
        """See `RunOptions.takes_standard_output`."""
        return self.session_json == "-"

    @property
    def results_beside(self) -> tuple[str | None, ...]:
        """See `RunOptions.results_beside`."""
        return (self.session_json,)


register(
    Workload(
        name="session",
        options=SessionOptions,
        user="katydid.workloads.session.user:SessionUser",
        summarise=session_summary,
        answer=session_answer,
        sections=(session_section,),
    )
)
