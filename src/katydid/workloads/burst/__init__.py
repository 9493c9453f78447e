"""The workload `burst`: all users send one request at the same moment, to find how many the service serves at once."""

from dataclasses import dataclass

from katydid.engine.options import RunOptions
from katydid.engine.options.arrivals import SECONDS
from katydid.load.pacing import Mode, Phase
from katydid.model.options import NOT_NEGATIVE, POSITIVE, option
from katydid.model.options.quantities import count, duration
from katydid.model.redact import only_its_length
from katydid.model.workload import Workload, register
from katydid.workloads.burst.analysis import burst_summary
from katydid.workloads.burst.section import burst_answer, burst_section


@dataclass(frozen=True, kw_only=True)
class BurstOptions(RunOptions):
    """Options of the workload `burst`. Timeouts are part of its result, so they do not stop the run."""

    bursts: int = option(1, "bursts to send", kind=count, rule=POSITIVE)
    burst_pause: float = option(
        10.0, "seconds from the latest possible end of a burst (its timeout) to the next burst", **SECONDS
    )
    burst_probes: str = option(
        "on",
        "on = also send one request alone before and after the bursts, and a burst of half the users; they count in "
        "no metric",
        choices=("on", "off"),
    )
    burst_path: str | None = option(None, "GET this path instead of asking the API for a streamed answer")
    burst_body: str | None = option(None, "POST this to --burst-path: a text, or @FILE")
    interval: float = option(0.0, "minimum seconds from one burst to the next", **SECONDS)
    phase: str = option(
        Phase.BURST.value, "users' first requests: always all in one burst", choices=(Phase.BURST.value,)
    )
    failure_threshold: int = option(
        0, "abort the run after this many failed requests; 0 = never", kind=count, rule=NOT_NEGATIVE
    )
    request_timeout: float = option(30.0, "seconds for a whole request", kind=duration, rule=POSITIVE)
    idle_timeout: float = option(
        3600.0,
        "seconds between two reads of an answer; long, because nothing arrives while a request is queued",
        kind=duration,
        rule=POSITIVE,
    )

    def shown(self) -> dict[str, object]:
        """See `RunOptions.shown`; of a body only its length is shown, since it may be confidential."""
        body = self.burst_body
        return super().shown() | {"burst_body": only_its_length(body) if body and not body.startswith("@") else body}

    @property
    def course(self) -> str:
        """See `RunOptions.course`."""
        each = f"one request per user, all at the same moment, timeout {self.request_timeout:g} s"
        probes = "; probes: one request alone before and after, and a burst of half the users"
        beside = probes if self.burst_probes == "on" else ""
        if self.bursts == 1:
            return f"1 burst: {each}{beside}"
        return f"{self.bursts} bursts, one every {self.period:g} s: {each}{beside}"

    @property
    def mode(self) -> Mode:
        """Each burst is due at a fixed time, even without a minimum interval."""
        return super().mode if self.interval else Mode.PACED

    @property
    def period(self) -> float:
        """Seconds from the start of one burst to the start of the next."""
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
