"""The workload `session`: conversations whose answers are checked.

`scenario.py` reads the description of a conversation (Katydid ships the TOML files in `scenarios/`), `templates.py`
fills in its templates, `user.py` sends the requests, and `conversation.py` checks the answers.
"""

from dataclasses import dataclass
from pathlib import Path

from katydid.engine.options import RunOptions
from katydid.load.schedule import Phase
from katydid.model.formatting import plural
from katydid.model.options import NOT_NEGATIVE, POSITIVE, option
from katydid.model.options.quantities import count, duration
from katydid.model.workload import Workload, register
from katydid.workloads.session.analysis import session_summary
from katydid.workloads.session.section import session_answer, session_section

FOLDER = Path(__file__).resolve().parent / "scenarios"


def shipped() -> list[str]:
    """Return the names of the scenarios that Katydid ships."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


@dataclass(frozen=True, kw_only=True)
class SessionOptions(RunOptions):
    """Options of the workload `session`."""

    scenario: str = option("bridge", f"{', '.join(shipped())}, or a TOML file that describes the conversation")
    turns: int = option(20, "messages that each user sends", kind=count, rule=POSITIVE)
    rooms: str | None = option(None, "room names, comma-separated, instead of the scenario's")
    session_json: str | None = option(None, "write the result to this file as one JSON object; - = standard output")
    interval: float = option(
        20.0,
        "seconds from one message of a user to the next; 0 = send the next when the last is answered",
        kind=duration,
        rule=NOT_NEGATIVE,
    )
    phase: str = option(
        Phase.SPREAD.value,
        "first messages, after all sessions are open: spread over the interval, or all in one burst",
        choices=(Phase.SPREAD.value, Phase.BURST.value),
    )

    @property
    def course(self) -> str:
        """See `RunOptions.course`."""
        pace = f"one every {self.interval:g} s" if self.interval else "one after the other"
        return f"{plural(self.turns, 'message')} per user, {pace}"

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
