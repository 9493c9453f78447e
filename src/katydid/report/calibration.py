"""What `katydid calibrate` shows: the errors of each load, and what it cost."""

from collections.abc import Sequence

from katydid.analysis.calibration import Errors, Series, Trial, excuses, highest_faithful, unfaithful
from katydid.model.formatting import fraction, number, or_dash, plural, significant
from katydid.report.model import Section, Table

ERROR_COLUMNS = (
    "users", "TTFT p50", "p99", "max", "of it ours, p99", "duration p99", "max", "mean gap p99", "faithful",
)  # fmt: skip
COST_COLUMNS = ("users", "CPU", "µs/chunk", "chunks/s", "read delay p99", "bounds", "target's CPU", "others' CPU")


def calibration_section(series: Series, *, pinned: bool) -> Section:
    """One series; `pinned` where target and generator had cores of their own."""
    trials = series.trials
    return Section(
        "calibration",
        "One process" if series.processes == 1 else f"{series.processes} processes",
        (_verdict(trials), _pinning(pinned=pinned), *(_complaint(each) for each in trials if unfaithful(each))),
        (
            Table("Errors in milliseconds, against the target's own log", ERROR_COLUMNS, [_errors(t) for t in trials]),
            Table("What it cost", COST_COLUMNS, [_costs(t) for t in trials]),
        ),
    )


def _verdict(trials: Sequence[Trial]) -> str:
    best = highest_faithful(trials)
    if best is None:
        return "Not even the lowest load was measured faithfully."
    if best == trials[-1].users:
        return f"Faithful up to the highest load tried: {plural(best, 'user')} with a stream at a time."
    return f"Faithful up to {plural(best, 'user')} with a stream at a time."


def _pinning(*, pinned: bool) -> str:
    if not pinned:
        return "Generator and target shared all cores: pinning needs Linux and two cores. The figures are pessimistic."
    return "The target had a core of its own, the generator the others."


def _complaint(done: Trial) -> str:
    return f"Not at {plural(done.users, 'user')}: {'; '.join([*unfaithful(done), *excuses(done)])}."


def _errors(done: Trial) -> tuple[str, ...]:
    return (
        number(done.users),
        _ms(done.ttft.p50),
        *_tail(done.ttft),
        _tail(done.arrival)[0],
        *_tail(done.duration),
        or_dash(done.gap.p99, fraction),
        "no" if unfaithful(done) else "yes",
    )


def _costs(done: Trial) -> tuple[str, ...]:
    return (
        number(done.users),
        or_dash(done.cpu, fraction),
        or_dash(done.us_per_chunk, significant),
        or_dash(done.chunks_per_s, significant),
        _ms(done.read_lag_p99),
        or_dash(done.bound_share, fraction),
        or_dash(done.target_cpu, fraction),
        or_dash(done.others_cpu, fraction),
    )


def _tail(errors: Errors) -> tuple[str, str]:
    return ("too few" if errors.count and errors.p99 is None else _ms(errors.p99), _ms(errors.max))


def _ms(value: float | None) -> str:
    return or_dash(value, lambda v: significant(v, 2))
