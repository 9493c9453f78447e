"""The workloads `chaos`, `storm` and `zombies`: a normal load of speech while the service is disturbed."""

from dataclasses import dataclass

from katydid.model.options import NOT_NEGATIVE, POSITIVE, at_most, option, truth
from katydid.model.options.quantities import count, duration
from katydid.model.redact import hide_assigned
from katydid.model.workload import Workload, register
from katydid.workloads.resilience.analysis import chaos, storm, zombies
from katydid.workloads.resilience.section import resilience_answer, resilience_section
from katydid.workloads.speech import SpeechOptions
from katydid.workloads.speech.section import speech_section


@dataclass(frozen=True, kw_only=True)
class ResilienceOptions(SpeechOptions):
    """Options of the resilience workloads."""

    failure_threshold: int = option(
        0, "abort the run after this many failed requests; 0 = never", kind=count, rule=NOT_NEGATIVE
    )
    interval: float = option(2.0, "seconds from one request start of a user to its next", kind=duration, rule=POSITIVE)
    i_own_this_target: bool = option(False, "confirm that a target on another machine is yours to test", kind=truth)


MOST_CONNECTIONS = 100_000
"""More than the ports of one address."""


@dataclass(frozen=True, kw_only=True)
class ChaosOptions(ResilienceOptions):
    """Options of the workload `chaos`."""

    chaos_at: str = option("20", "when to kill, in seconds of the run, such as 20 or 10,30")
    chaos_pid: str | None = option(
        None,
        "ids of the processes to kill, such as 4711,4712, or a command that prints them, such as "
        "'pgrep -f worker.py' (default: workers of the embedded target)",
        form=False,
    )
    chaos_command: str | None = option(None, "command that kills, instead of --chaos-pid", form=False)
    chaos_workers: int = option(1, "how many of the embedded target's workers to kill", kind=count, rule=POSITIVE)
    restart_command: str | None = option(None, "command that restarts the killed processes", form=False)
    restart_after: float = option(3.0, "seconds from the kill to the restart command", kind=duration, rule=NOT_NEGATIVE)

    def shown(self) -> dict[str, object]:
        """See `RunOptions.shown`; keys and passwords in commands are hidden."""
        commands = {
            "chaos_pid": self.chaos_pid,
            "chaos_command": self.chaos_command,
            "restart_command": self.restart_command,
        }
        return super().shown() | {name: command and hide_assigned(command) for name, command in commands.items()}


@dataclass(frozen=True, kw_only=True)
class StormOptions(ResilienceOptions):
    """Options of the workload `storm`."""

    storm_clients: int = option(
        2000, "clients that connect at once", kind=count, rule=POSITIVE, most=at_most(MOST_CONNECTIONS)
    )
    storm_at: float = option(20.0, "when to start, in seconds of the run", kind=duration, rule=NOT_NEGATIVE)
    storm_hold: float = option(
        5.0, "seconds that accepted clients stay connected, silently", kind=duration, rule=POSITIVE
    )
    storm_expect: int = option(
        0, "how many clients the target should accept; 0 = any number", kind=count, rule=NOT_NEGATIVE
    )


@dataclass(frozen=True, kw_only=True)
class ZombiesOptions(ResilienceOptions):
    """Options of the workload `zombies`."""

    zombies: int = option(1000, "connections to hold", kind=count, rule=POSITIVE, most=at_most(MOST_CONNECTIONS))
    zombies_at: float = option(20.0, "when to open them, in seconds of the run", kind=duration, rule=NOT_NEGATIVE)
    zombies_kind: str = option(
        "idle",
        "idle = a WebSocket that is opened and never used; slow = a request that sends one byte per minute",
        choices=("idle", "slow"),
    )


for name, options, summarise in (
    ("chaos", ChaosOptions, chaos),
    ("storm", StormOptions, storm),
    ("zombies", ZombiesOptions, zombies),
):
    register(
        Workload(
            name=name,
            options=options,
            user=f"katydid.workloads.resilience.{name}:{name.capitalize()}User",
            summarise=summarise,
            answer=resilience_answer,
            provokes=True,
            sections=(resilience_section, speech_section),
        )
    )
