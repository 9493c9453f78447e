"""The workloads `chaos`, `storm` and `zombies`: speech goes on while something bad happens to the service."""

from katydid.model.workload import Workload, register
from katydid.workloads.resilience.analysis import chaos, storm, zombies
from katydid.workloads.resilience.options import ChaosOptions, StormOptions, ZombiesOptions
from katydid.workloads.resilience.section import resilience_answer, resilience_section
from katydid.workloads.speech.section import speech_section

register(
    Workload(
        name="chaos",
        options=ChaosOptions,
        user="katydid.workloads.resilience.chaos:ChaosUser",
        summarise=chaos,
        answer=resilience_answer,
        provokes=True,
        sections=(resilience_section, speech_section),
    )
)
register(
    Workload(
        name="storm",
        options=StormOptions,
        user="katydid.workloads.resilience.storm:StormUser",
        summarise=storm,
        answer=resilience_answer,
        provokes=True,
        sections=(resilience_section, speech_section),
    )
)
register(
    Workload(
        name="zombies",
        options=ZombiesOptions,
        user="katydid.workloads.resilience.zombies:ZombiesUser",
        summarise=zombies,
        answer=resilience_answer,
        provokes=True,
        sections=(resilience_section, speech_section),
    )
)
