"""The workload `burst`: all users send one request at the same moment; how many does the service work on?"""

from dataclasses import dataclass

from katydid.engine.options import RunOptions
from katydid.load.pacing import Phase
from katydid.load.schedule import Mode
from katydid.model.options import NOT_NEGATIVE, POSITIVE, option
from katydid.model.options.quantities import count, duration
from katydid.model.redact import only_its_length
from katydid.model.workload import Workload, register
from katydid.workloads.burst.analysis import burst_summary
from katydid.workloads.burst.section import burst_answer, burst_section


@dataclass(frozen=True, kw_only=True)
class BurstOptions(RunOptions):
    """What bursts there are. Time-outs are what a burst is to show, so they do not stop it."""

    bursts: int = option(1, "bursts to send", kind=count, rule=POSITIVE)
    burst_pause: float = option(
        10.0,
        "seconds from the latest end of a burst (its time-out) to the next one",
        kind=duration,
        rule=NOT_NEGATIVE,
    )
    burst_probes: str = option(
        "on",
        "one request alone before and after the bursts, and a burst of half the users, which count in no metric",
        choices=("on", "off"),
    )
    burst_path: str | None = option(None, "GET this path instead of asking the API for a streamed answer")
    burst_body: str | None = option(None, "POST this to --burst-path: a text, or @FILE")
    interval: float = option(0.0, "least seconds from one burst to the next", kind=duration, rule=NOT_NEGATIVE)
    phase: str = option(
        Phase.BURST.value, "users' first requests: all in one burst, and nothing else", choices=(Phase.BURST.value,)
    )
    failure_threshold: int = option(0, "stop at this many failed requests; 0 = never", kind=count, rule=NOT_NEGATIVE)
    request_timeout: float = option(30.0, "seconds for a whole request", kind=duration, rule=POSITIVE)
    idle_timeout: float = option(
        3600.0,
        "seconds between two reads of an answer; a queue is silent",
        kind=duration,
        rule=POSITIVE,
    )

    def shown(self) -> dict[str, object]:
        """See `RunOptions.shown`; a body may hold what is nobody's business."""
        body = self.burst_body
        return super().shown() | {"burst_body": only_its_length(body) if body and not body.startswith("@") else body}

    @property
    def course(self) -> str:
        """See `RunOptions.course`."""
        each = f"one request each at the same moment, answered within {self.request_timeout:g} s or never"
        beside = "; one alone before and after, and half of the users together" if self.burst_probes == "on" else ""
        if self.bursts == 1:
            return f"1 burst: {each}{beside}"
        return f"{self.bursts} bursts, the next {self.period:g} s after the last one's beginning: {each}{beside}"

    @property
    def mode(self) -> Mode:
        """Each burst is due at a time, also where no least interval lies between them."""
        return super().mode if self.interval else Mode.PACED

    @property
    def period(self) -> float:
        """Seconds from one burst to the next."""
        return max(self.interval, self.request_timeout + self.burst_pause)


register(
    Workload(
        name="burst",
        options=BurstOptions,
        user="katydid.workloads.burst.user:BurstUser",
        summarise=burst_summary,
        answer=burst_answer,
        provokes=True,
        sections=(burst_section,),
    )
)
