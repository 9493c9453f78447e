"""Bursts in a report: the diagnosis, a table of bursts, a table of users, and the queueing timeline."""

from katydid.model.documents.summary import Summary
from katydid.model.formatting import fraction, milliseconds, number, or_dash, plural
from katydid.model.units import Unit
from katydid.report.model import Cell, Chart, Column, Material, Rows, Section, Span, Style, Table
from katydid.workloads.burst.analysis import BurstRow, UserRow
from katydid.workloads.burst.diagnosis import Diagnosis, Explanation

MOST_ROWS = 200
"""Users in a table or chart; more cannot be told apart."""
MOST_IN_TERMINAL = 30
_MOST_NOTES = 3
_BAD = {"timeout", "rejected", "failed"}


def burst_section(material: Material) -> Section | None:
    """Return the section about the service's concurrency, or None for a run without bursts."""
    summary = material.summary
    bursts, users = summary.part("bursts", list[BurstRow]), summary.part("per_user", list[UserRow])
    found = summary.part("concurrency", Diagnosis)
    if not bursts or users is None or found is None:
        return None
    return Section(
        "concurrency",
        "Concurrency",
        [*_text(found), *_unconnected(bursts)],
        [
            Table(_BURSTS_CAPTION, BURSTS, bursts),
            _users(users),
            Table(_FITS_CAPTION, FITS, found.fits, in_terminal=False),
        ],
        [_picture(users, burst.burst, found) for burst in bursts[:3]],
        answer=True,
    )


def burst_answer(summary: Summary) -> str | None:
    """Return how many requests are served at a time, for the first screen; None for a run without bursts."""
    found = summary.part("concurrency", Diagnosis)
    return f"concurrency: {found.verdict}" if found and found.verdict else None


def _text(found: Diagnosis) -> list[str]:
    texts = [found.sentence]
    texts += [f"{what}: {text}." for what, text in (("Usual cause", found.cause), ("Remedy", found.remedy)) if text]
    alone = [(found.alone_before_ms, "before the bursts"), (found.alone_after_ms, "after them")]
    if known := [f"{milliseconds(took)} {when}" for took, when in alone if took is not None]:
        texts.append(f"One request alone took {' and '.join(known)}.")
    if found.service_ms is not None:
        low, high = or_dash(found.service_low_ms, milliseconds), or_dash(found.service_high_ms, milliseconds)
        texts.append(
            f"Service time: {milliseconds(found.service_ms)} per request (95 % interval {low} to {high}), "
            f"± {or_dash(found.variation, fraction)} from request to request. Answers at random times would look this "
            f"regular in {or_dash(found.chance_of_noise, fraction)} of the cases."
        )
    return texts


def _unconnected(bursts: list[BurstRow]) -> list[str]:
    """Explain why some users began later than the others."""
    return [
        f"Burst {b.burst + 1}: {b.connected_before} of {plural(b.users, 'user')} connected before the release. The "
        "target accepted the other connections later because its accept queue (the backlog) was full; their times "
        "include that wait."
        for b in [b for b in bursts if b.connected_before < b.users][:_MOST_NOTES]
    ]


def _of_all(count: int, share: float) -> Cell:
    return Cell(count, Unit.COUNT, said=f"{number(count)} ({fraction(share)})")


BURSTS: tuple[Column[BurstRow], ...] = (
    Column("Burst", lambda row: row.burst + 1),
    Column("Users", lambda row: row.users, Unit.COUNT),
    Column("Completed", lambda row: _of_all(row.completed, row.completion_share), Unit.COUNT, leads=True),
    Column(
        "Timed out", lambda row: _of_all(row.timeout, row.timeout_share), Unit.COUNT, bad=lambda row: row.timeout > 0
    ),
    Column("Rejected", lambda row: row.rejected, Unit.COUNT, bad=lambda row: row.rejected > 0),
    Column("Failed", lambda row: row.failed, Unit.COUNT, bad=lambda row: row.failed > 0),
    Column("Spread", lambda row: row.start_spread_ms, Unit.MS),
    Column(
        "Connected",
        lambda row: Cell(row.connected_before, Unit.COUNT, said=f"{row.connected_before} of {row.users}"),
        Unit.COUNT,
    ),
    Column("Peak", lambda row: row.peak_in_flight, Unit.COUNT),
    Column(
        "Completed after",
        lambda row: Cell(row.recovery_ms, Unit.MS, said=None if row.recovery_ms is not None else "not in time"),
        Unit.MS,
    ),
)
USERS: tuple[Column[UserRow], ...] = (
    Column("User", lambda row: f"User {row.user + 1}"),
    Column("Response time", lambda row: row.response_ms, Unit.MS),
    Column("Served from", lambda row: row.served_from_ms, Unit.MS),
    Column("Outcome", lambda row: row.status, bad=lambda row: row.status in _BAD, leads=True),
    Column("HTTP", lambda row: row.http_status or None, Unit.COUNT),
    Column("Error", lambda row: row.error or None),
)
OF_BURST: Column[UserRow] = Column("Burst", lambda row: row.burst + 1, Unit.COUNT)
FITS: tuple[Column[Explanation], ...] = (
    Column("Explanation", lambda fit: f"{fit.slots} at a time" + (", the rest never" if fit.closed else "")),
    Column("Service time", lambda fit: fit.service_ms, Unit.MS),
    Column("Variation", lambda fit: fit.variation, Unit.FRACTION),
    Column("Behind", lambda fit: fit.behind, Unit.COUNT),
)


_BURSTS_CAPTION = (
    "Bursts. Spread: from the first start to the last, caused by the generator. Connected: before the release. "
    "Peak: most requests in flight. Completed after: when the last request had ended."
)
_FITS_CAPTION = (
    "Explanations, the likeliest first. Variation: of the service times. Behind: log-likelihood below the best."
)


def _users(users: list[UserRow]) -> Table:
    left_out = f" First {MOST_ROWS} of {len(users)}; summary.json has all." if len(users) > MOST_ROWS else ""
    columns = (*USERS, OF_BURST) if any(user.burst for user in users) else USERS
    return Table(f"Users.{left_out}", columns, users[:MOST_ROWS], in_terminal=len(users) <= MOST_IN_TERMINAL)


def _picture(users: list[UserRow], burst: int, found: Diagnosis) -> Chart:
    """The queueing timeline of one burst: the user that was answered first is on top."""
    ours = [user for user in users if user.burst == burst and user.response_ms is not None]
    ours.sort(key=lambda user: (user.status != "completed", user.response_ms, user.user))
    spans: list[Span] = []
    for row, user in enumerate(ours[:MOST_ROWS]):
        end, served = user.response_ms / 1000.0, user.served_from_ms
        if user.status != "completed":
            spans.append(Span(row, 0.0, end, Style.BAD))
        elif served is None:
            spans.append(Span(row, 0.0, end, Style.MAIN))
        else:
            spans += [Span(row, 0.0, served / 1000.0, Style.QUIET)] if served else []
            spans.append(Span(row, served / 1000.0, end, Style.MAIN))
    meanings = [(Style.MAIN, "waiting or being served")]
    if found.slots is not None:
        meanings = [(Style.QUIET, "waiting (by the model)"), (Style.MAIN, "being served")]
    return Chart(
        key=f"burst-{burst}",
        title=f"Burst {burst + 1}: queueing timeline",
        note="One bar per user, from the release of the burst to the end of the user's request.",
        unit="",
        rows=Rows(
            [f"User {user.user + 1}" for user in ours[:MOST_ROWS]],
            spans,
            [*meanings, (Style.BAD, "timed out, rejected or failed")],
        ),
    )
