"""The output of `katydid calibrate`: measurement errors and cost at each load."""

from collections.abc import Callable

from katydid.analysis.calibration import Errors, Series, Trial, excuses, highest_faithful, unfaithful
from katydid.model.formatting import plural
from katydid.model.units import Unit
from katydid.report.model import Cell, Column, Section, Table


def _tail(name: str, of: Callable[[Trial], Errors]) -> Column[Trial]:
    """A column with 99th percentiles, or "too few"."""

    def cell(trial: Trial) -> Cell:
        errors = of(trial)
        return Cell(errors.p99, Unit.MS, said="too few" if errors.count and errors.p99 is None else None)

    return Column(name, cell, Unit.MS)


USERS: Column[Trial] = Column("Users", lambda trial: trial.users)
ERROR_COLUMNS: tuple[Column[Trial], ...] = (
    USERS,
    Column("TTFT p50", lambda trial: trial.ttft.p50, Unit.MS),
    _tail("TTFT p99", lambda trial: trial.ttft),
    Column("TTFT max", lambda trial: trial.ttft.max, Unit.MS),
    _tail("our share, p99", lambda trial: trial.arrival),
    _tail("duration p99", lambda trial: trial.duration),
    Column("duration max", lambda trial: trial.duration.max, Unit.MS),
    Column("mean gap p99", lambda trial: trial.gap.p99, Unit.FRACTION),
    Column("Faithful", lambda trial: "no" if unfaithful(trial) else "yes", leads=True),
)
COST_COLUMNS: tuple[Column[Trial], ...] = (
    USERS,
    Column("CPU", lambda trial: trial.cpu, Unit.FRACTION),
    Column("µs/chunk", lambda trial: trial.us_per_chunk, Unit.COUNT),
    Column("chunks/s", lambda trial: trial.chunks_per_s, Unit.COUNT),
    Column("read delay p99", lambda trial: trial.read_lag_p99, Unit.MS),
    Column("bounds", lambda trial: trial.bound_share, Unit.FRACTION),
    Column("target's CPU", lambda trial: trial.target_cpu, Unit.FRACTION),
    Column("others' CPU", lambda trial: trial.others_cpu, Unit.FRACTION),
)


def calibration_section(series: Series, *, pinned: bool) -> Section:
    """The section of one series; `pinned` if target and generator had separate cores."""
    trials, best = series.trials, highest_faithful(series.trials)
    highest = "the highest load tried: " if best == trials[-1].users else ""
    cores = (
        "The target had one core, the generator the others."
        if pinned
        else "Generator and target shared all cores, so figures are pessimistic: pinning needs Linux and two cores."
    )
    return Section(
        "calibration",
        "One process" if series.processes == 1 else f"{series.processes} processes",
        (
            "Not even the lowest load was measured faithfully."
            if best is None
            else f"Faithful up to {highest}{plural(best, 'user')} with one stream each.",
            cores,
            *(
                f"Not faithful at {plural(each.users, 'user')}: {'; '.join([*unfaithful(each), *excuses(each)])}."
                for each in trials
                if unfaithful(each)
            ),
        ),
        (
            Table("Errors against the target's own log", ERROR_COLUMNS, trials),
            Table("What it cost", COST_COLUMNS, trials),
        ),
    )
