"""The facts about a run that every process needs.

They travel in the options that Locust sends to its workers with each spawn message.

A run's times count from one origin on the monotonic clock. Processes on one machine share that clock. A worker on
another machine maps the origin through the wall clock, so its times are as exact as the two wall clocks agree.
"""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from secrets import token_hex

import msgspec

from katydid.load.pacing import Mode

LEAD = 0.25
"""Seconds from the start of a run to its origin, with a single process."""
REMOTE_LEAD = 0.5
"""The same with workers: they must get the message and begin the run first."""
POOL_LEAD, REMOTE_POOL_LEAD = 1.0, 2.0
"""The same for an arrival rate: the whole pool of users must be spawned before the first arrival."""
WIRE_NAME = "katydid_run"
"""The attribute of Locust's parsed options that carries the RunInfo."""
STAGE_WIRE_NAME = "katydid_stage"
"""The attribute that carries the stage (`load.stages`), in the message that spawns its users."""
SECRETS_WIRE_NAME = "katydid_secrets_for"
"""The attribute that carries `RunOptions.secrets_for`."""
BATCH_WIRE_NAME = "katydid_batch"
"""The attribute that carries the batch of users (`load.ramps`), in the message that spawns them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInfo:
    """Facts that are the same in all processes of a run; `begun` sets the first three and the secret.

    Attributes:
        origin: when the run began, in seconds on this process's monotonic clock.
        origin_wall: the same moment on the wall clock.
        boot: identifies the machine since its last boot.
        users: number of users; None if a load shape decides during the run.
        workers: number of processes that send requests.
        ranks: the rank of each worker among them (from 0), by worker id.
        model: the model that requests ask for.
        warm_up: seconds left out of the statistics.
        run_time: seconds that the load lasts; None if it is not limited.
        failure_limit: number of failed requests that ends the run; 0 = never.
        adaptation: how requests are adapted to the target (`load.body.Adaptation`), as plain values.
        calibration: tokens per word of the target (`load.made.calibration.Calibration`), as plain values.
        ramp: users per second that send their first request as they are spawned; None without a ramp.
        secret: a random secret of this run, which is never written to a file.
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
        """These facts for a run whose origin is `lead` seconds from now, so that its first users are ready in time."""
        origin, wall = time.monotonic() + lead, time.time() + lead
        return replace(self, origin=origin, origin_wall=wall, boot=_boot_id(), secret=token_hex())

    @classmethod
    def from_wire(cls, wire: Mapping[str, object]) -> "RunInfo":
        """Read the master's facts, with the origin on this process's clock."""
        info = msgspec.convert(wire, cls)
        if info.boot == _boot_id():
            return info
        return replace(info, origin=time.monotonic() - (time.time() - info.origin_wall))

    def to_wire(self) -> dict[str, object]:
        """Plain values for a message."""
        return asdict(self)

    def ms(self, moment: float) -> float:
        """Convert a moment of the monotonic clock to milliseconds of the run."""
        return (moment - self.origin) * 1000.0


def lead_of(mode: Mode, *, remote: bool) -> float:
    """Seconds from the start of a run to its origin; `remote` if workers send the requests."""
    if mode.is_open:
        return REMOTE_POOL_LEAD if remote else POOL_LEAD
    return REMOTE_LEAD if remote else LEAD


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return f"started {round(time.time() - time.monotonic())}"
