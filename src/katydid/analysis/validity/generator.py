"""Whether the generator kept up: it had enough CPU, started requests on time, caused no failures and lost no data."""

import numpy as np
import pandas as pd

from katydid.analysis.derived import late_limit_ms
from katydid.analysis.validity.rule import FEWEST_SECONDS, Run, found_no_user
from katydid.model.documents.summary import Finding
from katydid.model.formatting import fraction, plural

CPU_MEDIAN, _CPU_FULL, _CPU_FULL_SHARE = 80.0, 95.0, 0.05
MORE_PROCESSES = "spread the users with --processes, or over more machines"
FREE_CORES = "end other work on this machine, or give the generator cores of its own"
LESS_ELSEWHERE = "spread the users with --processes, and keep other work off this machine"


def named(process: object) -> str:
    """The generator's process in a message; without its name if it is the only one."""
    return "the generator" if process == "local" else f"the generator's process {process}"


def cpu(run: Run) -> Finding | None:
    """A process that is always busy, or always waits for its core, cannot be on time."""
    steady = run.steady
    if not (steady["cpu_percent"] + _waited(steady) > CPU_MEDIAN).any():
        return None
    for process, rows in steady.groupby("process", observed=True):
        cpu = rows["cpu_percent"].dropna()
        waited = _waited(rows).reindex(cpu.index)
        wanted = cpu + waited
        full = wanted >= _CPU_FULL
        too_busy = len(cpu) >= FEWEST_SECONDS and wanted.median() > CPU_MEDIAN
        if too_busy or (full.sum() >= FEWEST_SECONDS and full.mean() > _CPU_FULL_SHARE):
            others = waited.median() > cpu.median()
            return Finding(
                "invalid",
                f"{named(process)} was overloaded: in the median it used {cpu.median():.0f}\u00a0% of "
                f"a core and waited for one {waited.median():.0f}\u00a0% of the time, and it needed "
                f"{_CPU_FULL:.0f}\u00a0% or more in {fraction(full.mean())} of the seconds",
                FREE_CORES if others else MORE_PROCESSES,
            )
    return None


def _waited(rows: pd.DataFrame) -> pd.Series:
    """The share of time spent waiting for a core, in percent; 0 if the system or an older Katydid did not record it."""
    if "cpu_wait_percent" not in rows:
        return pd.Series(0.0, index=rows.index)
    return rows["cpu_wait_percent"].astype(np.float64).fillna(0.0)


_LAG_MS, _LAG_SHARE = 100.0, 0.05


def loop_lag(run: Run) -> Finding | None:
    """The event loop was late for its timers."""
    steady = run.steady
    if not (steady["loop_lag_ms"] > _LAG_MS).any():
        return None
    for process, rows in steady.groupby("process", observed=True):
        slow = rows["loop_lag_ms"].dropna() > _LAG_MS
        if slow.sum() >= FEWEST_SECONDS and slow.mean() > _LAG_SHARE:
            return Finding(
                "warning" if run.kernel_time else "invalid",
                f"the event loop of {named(process)} was more than {_LAG_MS:.0f} ms late in "
                f"{fraction(slow.mean())} of the seconds",
                LESS_ELSEWHERE,
            )
    return None


OURS_SHARE, OURS_FEWEST = 0.01, 3


def has_schedule(run: Run) -> bool:
    """Return False for a closed loop: a request is due as soon as its user is free, so it cannot be late."""
    return run.manifest.interval_s != 0


def late_by_us(run: Run) -> Finding | None:
    """Requests that started late although their users were free when they were due."""
    if not has_schedule(run):
        return None
    real = run.frame[run.frame["user"] >= 0].sort_values(["user", "iteration"])
    free_since = (real["start_ms"] + real["duration_ms"]).groupby(real["user"]).shift()
    free = (free_since <= real["scheduled_ms"]) & real["counted"] & ~found_no_user(real)
    connecting = real["connect_ms"].astype(np.float64).fillna(0.0)
    ours = free & (real["late_ms"] - connecting > late_limit_ms(run.manifest)) & ~_sent_again(real)
    if ours.sum() < OURS_FEWEST or ours.sum() <= OURS_SHARE * free.sum():
        return None
    return Finding(
        "invalid",
        f"the generator started {int(ours.sum())} of {plural(int(free.sum()), 'request')} late although "
        "their users were free",
        LESS_ELSEWHERE,
    )


def _sent_again(rows: pd.DataFrame) -> pd.Series:
    """Requests that were sent again, whose times are of the second sending. An older Katydid did not record this."""
    return rows["resent"].eq(True) if "resent" in rows else pd.Series(data=False, index=rows.index)


_SEND_LATE_SHARE = 0.01


def audio_late(run: Run) -> Finding | None:
    """Audio that the generator did not send at the pace of speech."""
    sent, late = (int(run.counted[column].sum()) for column in ("sent_chunks", "late_chunks"))
    if late <= _SEND_LATE_SHARE * sent:
        return None
    return Finding(
        "invalid",
        f"the generator sent {late} of {plural(sent, 'audio chunk')} more than 20 ms late",
        LESS_ELSEWHERE,
    )


_REMEDIES = {
    "out_of_descriptors": "raise `ulimit -n`",
    "out_of_ports": "keep connections alive, or use more machines",
    "auth_expired": "set LOAD_TEST_API_KEY_COMMAND, or use a key that lasts as long as the run",
    "dns": "check the host's name in --host",
    "tls": "check the certificates: --ca-file for the target's authority, --client-cert for the client's own",
}


def not_the_target(run: Run) -> Finding | None:
    """Failures caused by the generator or the configuration; they would count as the target's."""
    ended = run.frame.loc[~run.frame["after_stop"].astype(bool), ["blame", "error"]]
    for blame, where in (("generator", "in the generator itself"), ("config", "because of the configuration")):
        kinds = ended.loc[ended["blame"] == blame, "error"].value_counts()
        if len(kinds):
            named = ", ".join(f"{count} × {kind}" for kind, count in kinds.items())
            remedy = next((_REMEDIES[str(kind)] for kind in kinds.index if kind in _REMEDIES), "see the errors")
            return Finding("invalid", f"requests failed {where} ({named})", remedy)
    return None


def silent(run: Run) -> Finding | None:
    """Workers that the master did not hear from for a while, but whose rows arrived."""
    lost = run.manifest.lost_workers or []
    silences = [s for s in run.manifest.silences or [] if s.worker not in lost]
    if not silences:
        return None
    named = ", ".join(f"{s.worker} from {s.begin:.0f} s {_until(s.end)}" for s in silences)
    return Finding(
        "invalid",
        f"workers were out of touch with the master ({named}): their rows are here, but their times may include delays "
        "of their own network or their own machine",
        "keep the machines and the network between them healthy",
    )


def _until(end: float | None) -> str:
    return "to the end" if end is None else f"to {end:.0f} s"


def other_settings(run: Run) -> Finding | None:
    """Workers whose options, files or version differ from the run's."""
    if not (found := run.manifest.other_settings):
        return None
    named = ", ".join(
        dict.fromkeys(f"{one.name} of {one.process} is {one.worker}, the run's {one.run}" for one in found)
    )
    return Finding(
        "invalid",
        f"some workers' settings differ from the run's: {named}",
        "start every worker with the same version of Katydid, and with the master's options or none",
    )


def refused(run: Run) -> Finding | None:
    """Rejected messages: rows are lost, or someone else is connected to the master."""
    if not (count := run.manifest.refused_messages):
        return None
    return Finding(
        "invalid",
        f"the master rejected {plural(count, 'message')} that no worker of this run would send",
        "see the log; keep others off the master's port, and run one version of Katydid on all machines",
    )


def lost(run: Run) -> Finding | None:
    """Workers that were lost, rows that never arrived, or values that did not fit."""
    lost, missing = run.manifest.lost_workers or [], run.manifest.missing_rows or 0
    if lost:
        return Finding(
            "invalid",
            f"{plural(len(lost), 'worker')} {'was' if len(lost) == 1 else 'were'} lost ({', '.join(map(str, lost))}), "
            "with the last rows recorded there",
            "see the workers' logs; keep the machines and the network between them healthy",
        )
    if missing:
        return Finding(
            "invalid", f"{plural(missing, 'row')} never arrived", "see the log: the network or the disk lost them"
        )
    if nulled := run.manifest.nulled_values:
        return Finding(
            "warning",
            f"{plural(nulled, 'value')} of the wrong type for the column became null",
            "the rest of these rows is intact; see the log for the columns",
        )
    return None
