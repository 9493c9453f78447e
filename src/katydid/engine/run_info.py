"""What every process must know of a run.

It travels inside the options that Locust sends to its workers when it has them spawn users.

Times of a run are counted from one origin on the monotonic clock. Processes of one machine share that
clock; a worker on another machine maps the origin through the wall clock, so its rows are as exact as
the two machines' clocks agree.
"""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from secrets import token_hex

import msgspec

from katydid.load.schedule import Mode

LEAD = 0.25
"""Seconds from the start of a run to its origin."""
REMOTE_LEAD = 0.5
"""The same where workers must hear of it first, and begin the run too."""
POOL_LEAD, REMOTE_POOL_LEAD = 1.0, 2.0
"""The same where the whole pool of users must be there first, so that a rate can begin with the run."""
WIRE_NAME = "katydid_run"
"""The attribute of Locust's parsed options that carries this."""
STAGE_WIRE_NAME = "katydid_stage"
"""The one that carries the stage (`load.stages`): it comes with the very message that has its users spawned."""
SECRETS_WIRE_NAME = "katydid_secrets_for"
"""The one that carries `RunOptions.secrets_for`."""
BATCH_WIRE_NAME = "katydid_batch"
"""The one that carries the batch of users (`load.ramps`), in the same way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInfo:
    """Facts that are the same in all processes of a run; the first three, and its secret, are those of `begun`.

    Attributes:
        origin: when the run began, on this process's monotonic clock, in seconds.
        origin_wall: the same moment on the wall clock.
        boot: identifies the machine since its last start.
        users: how many there will be; None where a load shape decides as it goes.
        workers: processes that send requests.
        ranks: of those that are workers, by their ids: each one's place among them, from 0.
        model: that requests ask for.
        warm_up: seconds left out of the statistics.
        run_time: seconds that the load is to last; None where nobody says.
        failure_limit: failed requests at which the run stops; 0 = never.
        adaptation: of requests to what the target refuses (`load.body.Adaptation`), in plain values.
        calibration: of made prompts to how the target counts (`load.made.calibration.Calibration`), in plain values.
        ramp: users a second, whose first requests come as they are spawned; None where there is no ramp.
        secret: of this run; it is in no file.
    """

    origin: float = 0.0
    origin_wall: float = 0.0
    boot: str = ""
    users: int | None
    workers: int
    model: str
    warm_up: float
    run_time: float | None = None
    failure_limit: int = 0
    ramp: float | None = None
    adaptation: dict[str, object] | None = None
    calibration: dict[str, object] | None = None
    ranks: dict[str, int] = field(default_factory=dict)
    secret: str = field(default="", repr=False)

    def begun(self, lead: float = LEAD) -> "RunInfo":
        """Those of a run that begins a moment from now: its first users must be there for the first places."""
        origin, wall = time.monotonic() + lead, time.time() + lead
        return replace(self, origin=origin, origin_wall=wall, boot=_boot_id(), secret=token_hex())

    @classmethod
    def from_wire(cls, wire: Mapping[str, object]) -> "RunInfo":
        """What the master sent, on this process's clock."""
        info = msgspec.convert(wire, cls)
        if info.boot == _boot_id():
            return info
        return replace(info, origin=time.monotonic() - (time.time() - info.origin_wall))

    def to_wire(self) -> dict[str, object]:
        """Plain values for a message."""
        return asdict(self)

    def ms(self, moment: float) -> float:
        """A moment of the monotonic clock, in milliseconds of the run."""
        return (moment - self.origin) * 1000.0


def lead_of(mode: Mode, *, remote: bool) -> float:
    """Seconds from the start of a run to its origin.

    Args:
        mode: of its arrivals.
        remote: workers send them.
    """
    if mode.is_open:
        return REMOTE_POOL_LEAD if remote else POOL_LEAD
    return REMOTE_LEAD if remote else LEAD


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return f"started {round(time.time() - time.monotonic())}"
