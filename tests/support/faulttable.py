"""The forty faults, as docs/faults.md shows them: what happens, and what Katydid says.

What it says to those on the wire is what tests/faults/test_wire.py holds real runs to (`faultbook`); each of
the others names the tests that show it.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from faultbook import Wire
from faultkinds import APART, KINDS, cases_of, workloads

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "faults.md"
_WIRE = "tests/faults/test_wire.py"


@dataclass(frozen=True)
class Fault:
    """A row of the table.

    Attributes:
        says: of a fault that is not on the wire; of one that is, what to know besides.
        shown: tests, as file::function.
    """

    number: int
    happens: str
    says: str = ""
    shown: tuple[str, ...] = (f"{_WIRE}::test_a_fault_is_one_row_that_says_what_it_was",)


def _in(file: str, *functions: str) -> tuple[str, ...]:
    return tuple(f"tests/{file}.py::{function}" for function in functions)


FAULTS = (
    Fault(1, "The answer ends in form, without saying that it is complete"),
    Fault(2, "200, then an error inside the answer"),
    Fault(3, "200, and no token", "TTFT is null, never 0."),
    Fault(4, "A role or an empty delta comes first", "It is not the first token; the report defines which is."),
    Fault(5, "Usage comes in a late chunk of its own", "No gap is extended; the duration is to the last byte."),
    Fault(6, "Only tool calls", "TTFT is that of the first of them."),
    Fault(7, "One chunk carries many tokens", "Gaps are of chunks, and called so; tokens are the server's count."),
    Fault(
        8,
        "The connection is closed before the end",
        "What was timed until then is kept. Only what a kept connection's idle close swallowed, at most 5 ms or two "
        "connect times after it was sent, is sent again, once, and says so (`resent`).",
        (
            f"{_WIRE}::test_a_fault_is_one_row_that_says_what_it_was",
            *_in(
                "transport/test_resending",
                "test_what_the_idle_close_swallowed_is_sent_again_and_says_so",
                "test_what_the_target_died_of_has_failed_with_its_time",
                "test_it_is_sent_again_once",
            ),
        ),
    ),
    Fault(9, "The connection is reset in the middle", "What was timed until then is kept."),
    Fault(10, "Silence on an open connection"),
    Fault(11, "A byte now and then", "The deadline is for the whole request."),
    Fault(12, "Only pings", "They keep the connection, are not tokens, and extend no deadline."),
    Fault(13, "One byte a write", "The same events as in one write."),
    Fault(14, "A character is cut in two"),
    Fault(15, "Invalid UTF-8 in a text", "Read as U+FFFD; over a WebSocket its standard ends the connection."),
    Fault(16, "Lines end with CR, LF or CR LF, cut between them"),
    Fault(17, "Byte order marks", "The first is skipped; a later one makes its line unknown, as the standard has it."),
    Fault(18, "The last block is not ended", "It is discarded, as the standard has it, but for an end mark."),
    Fault(19, "U+2028, U+2029 and U+0085 in a text", "They end no line."),
    Fault(20, "An event or body that is not JSON", "200 characters of it are kept, redacted."),
    Fault(
        21,
        "A line, or an answer, without an end",
        "Given up at 1 MiB for an event and 256 MiB for a body, or at the deadline; memory stays flat.",
        (
            f"{_WIRE}::test_a_fault_is_one_row_that_says_what_it_was",
            *_in("faults/test_bounds", "test_no_target_fills_the_memory"),
        ),
    ),
    Fault(
        22,
        "A gzip bomb",
        "Unpacked to 64 MiB at most; memory stays flat.",
        (
            f"{_WIRE}::test_a_fault_is_one_row_that_says_what_it_was",
            *_in("faults/test_bounds", "test_no_target_fills_the_memory"),
        ),
    ),
    Fault(23, "A head of 1 MB or 10,000 headers"),
    Fault(
        24,
        "429 or 503 with Retry-After",
        "Asked once: no answer is asked for again. With `--on-429 backoff` each try is a row.",
        (
            f"{_WIRE}::test_nothing_is_asked_twice_but_what_a_dead_connection_swallowed",
            *_in("e2e/test_batch", "test_a_refused_request_is_tried_again_later_each_try_a_row"),
        ),
    ),
    Fault(25, "A redirect to another host", "Not followed, so no key goes there."),
    Fault(
        26,
        "The generator has no descriptors left",
        "`out_of_descriptors`, blamed on the generator; the run is invalid: raise `ulimit -n`.",
        _in("faults/test_machine", "test_a_generator_without_descriptors"),
    ),
    Fault(
        27,
        "The generator has no local ports left",
        "`out_of_ports`, blamed on the generator; the run is invalid: keep connections alive or add machines.",
        _in("faults/test_machine", "test_a_generator_without_ports"),
    ),
    Fault(
        28,
        "A name that is not known; a certificate that is expired, another host's or nobody's",
        "`dns` or `tls`, blamed on the configuration. Certificates are checked by default.",
        _in("faults/test_machine", "test_a_certificate", "test_a_name_that_nobody_knows"),
    ),
    Fault(
        29,
        "The generator is too busy, or stands still",
        "The run is invalid, and says whose doing it was: its own code, other work on its core, or a stop.",
        _in(
            "analysis/test_validity",
            "test_a_busy_generator_invalidates",
            "test_a_late_event_loop_spoils_times_that_are_not_the_kernels",
        )
        + _in(
            "faults/test_stalls",
            "test_a_listener_that_computes_for_forty_milliseconds_a_request",
            "test_a_generator_that_was_stopped_for_a_quarter_of_a_closed_loops_run",
        ),
    ),
    Fault(
        30,
        "The target stalls for longer than the interval",
        "Response time counts from when the request was due; late starts are counted.",
        _in("e2e/test_runs", "test_a_server_slower_than_the_interval_makes_every_start_late"),
    ),
    Fault(
        31,
        "The wall clock jumps by an hour",
        "Durations are those of the monotonic clock; the report says that it jumped.",
        _in(
            "faults/test_belief",
            "test_a_jump_of_the_wall_clock_is_seen_and_said_and_touches_no_duration",
            "test_a_jump_between_a_bytes_arrival_and_its_reading_makes_no_age_of_an_hour",
        ),
    ),
    Fault(
        32,
        "The disk is full",
        "The run ends, invalid, with exit code 4 and one line; the rows until then stay readable.",
        _in(
            "faults/test_disk",
            "test_a_full_disk_ends_the_run_invalid_and_keeps_what_was_written",
            "test_a_row_that_the_disk_took_half_of_does_not_spoil_those_after_it",
            "test_an_interrupted_replacement_leaves_the_file_that_was_there",
        ),
    ),
    Fault(
        33,
        "`kill -9` of a worker",
        "The run is invalid and names the worker; what it had handed in is kept.",
        _in("e2e/test_runs", "test_a_run_that_lost_a_worker_says_so_and_is_invalid"),
    ),
    Fault(
        34,
        "`kill -9` of the master, or of everything; half a file",
        "`katydid report` rebuilds all but the last second, marked partial; workers stop within 10 s. Half a file "
        "that cannot be read in part gets one line and exit code 4.",
        (
            *_in("faults/test_kills", "test_workers_without_a_master_stop_and_the_run_is_rebuilt_as_partial"),
            *_in("e2e/test_runs", "test_after_kill_9_of_everything_the_report_has_all_but_the_last_second"),
            *_in(
                "faults/test_disk",
                "test_half_a_file_of_a_finished_run_is_never_taken_for_a_whole_one",
                "test_half_a_log_of_a_killed_run_gives_its_whole_batches_marked_partial",
            ),
        ),
    ),
    Fault(
        35,
        "SIGINT, once and twice",
        "Once: requests in flight may finish. Twice: they are `aborted`. All files are written; exit code 130.",
        _in(
            "e2e/test_runs",
            "test_a_signal_ends_a_run_with_every_row",
            "test_a_second_ctrl_c_cuts_off_what_hangs_and_still_reports",
        ),
    ),
    Fault(
        36,
        "A threshold on an unknown metric; a run without rows",
        "Exit code 2, before anything is judged; `no data` and exit code 4.",
        (
            *_in("gate/test_thresholds", "test_a_wrong_file_gets_one_line_with_its_name_the_key_and_what_to_do"),
            *_in("faults/test_disk", "test_half_a_log_of_a_killed_run_gives_its_whole_batches_marked_partial"),
        ),
    ),
    Fault(
        37,
        "Markup and terminal commands in what the target says",
        "Text, wherever it is shown: pages, Markdown, JUnit, terminal.",
        (
            *_in(
                "faults/test_secrets",
                "test_what_a_target_says_is_nowhere_markup_a_formula_or_a_command_of_the_terminal",
                "test_a_hostile_list_of_models_is_inert",
            ),
            *_in("report/test_html", "test_what_the_target_says_is_only_text"),
            *_in("gate/test_gate_command", "test_what_a_run_says_cannot_paint_a_terminal_or_break_a_result"),
        ),
    ),
    Fault(
        38,
        "A text that a spreadsheet takes for a formula",
        "No file of a run is CSV; Parquet and JSON keep it as it was.",
        _in("faults/test_secrets", "test_what_a_target_says_is_nowhere_markup_a_formula_or_a_command_of_the_terminal"),
    ),
    Fault(
        39,
        "The target gives our keys back: in a body, a header, a status, a redirect, an event, cut and escaped",
        "`[redacted]`, in every file, page, log line, process list and worker message.",
        _in(
            "faults/test_secrets",
            "test_no_secret_is_in_what_a_run_leaves_says_or_shows_to_other_users",
            "test_no_secret_is_in_the_web_page_or_between_master_and_worker",
        ),
    ),
    Fault(
        40,
        "100,000 failures, each with another text",
        "One line a class and blame, with one example; texts are cut at 200 characters.",
        _in(
            "faults/test_belief",
            "test_a_hundred_thousand_different_failures_are_one_line_with_one_example",
            "test_a_failures_text_is_kept_short_however_long_the_server_talks",
        ),
    ),
)

_INTRODUCTION = """# Forty faults
A load test runs exactly when things break. Each row below is shown by tests; most are dealt by a server that
misbehaves byte by byte to real runs of every workload, with both clients, between requests that it answers well: one
row comes of each, and the run goes on. CI deals those that are over quickly, `scripts/test.sh -m slow
tests/faults/test_wire.py` all of them. Made by `python scripts/fault_table.py`; a test sees that it is current.

| | What happens | What Katydid says | Shown for |
|---|---|---|---|
"""


def document() -> str:
    """The whole file."""
    return _INTRODUCTION + "".join(_row(fault) for fault in FAULTS) + _kinds() + _apart()


def _kinds() -> str:
    rows = "".join(
        f"| {kind.workload} | {kind.name or 'as usual'} | {' and '.join(kind.clients)} | {len(kind.cases)} |\n"
        for kind in KINDS
    )
    number = sum(len(kind.cases) * len(kind.clients) for kind in KINDS)
    return f"""
## How they are dealt
| Workload | How | Client | Faults |
|---|---|---|---|
{rows}
{number} requests in all, and a good one before each. Speech, and sessions over WebSockets, know one client.
"""


def _apart() -> str:
    reasons: dict[tuple[str, str], list[str]] = {}
    for (fault, workload), reason in APART.items():
        reasons.setdefault((workload, reason), []).append(str(fault))
    rows = "".join(f"| {', '.join(numbers)} | {of} | {why} |\n" for (of, why), numbers in reasons.items())
    return f"""
## What does not apply
| Faults | To | Since |
|---|---|---|
{rows}"""


def _row(fault: Fault) -> str:
    said = [*_said(fault.number), fault.says] if fault.says else _said(fault.number)
    dealt = cases_of(fault.number)
    shown = ("all workloads" if set(dealt) == set(workloads()) else ", ".join(dealt)) or "every run"
    cells = (str(fault.number), fault.happens, " ".join(said), shown)
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |\n"


def _said(number: int) -> list[str]:
    """What comes of each case, cases of the same verdict together."""
    verdicts: dict[str, list[str]] = {}
    for cases in cases_of(number).values():
        for case in cases:
            names = verdicts.setdefault(_verdict(case), [])
            if case.name not in names:
                names.append(case.name)
    said = [f"{'; '.join(names)}: {verdict}." for verdict, names in verdicts.items()]
    return [f"{each[0].upper()}{each[1:]}" for each in said]


def _verdict(case: Wire) -> str:
    if case.error is None:
        return "`ok`"
    return f"`{case.error}`" + ("" if case.blame == "target" else f", blamed on the {case.blame}uration")


def missing_tests() -> list[str]:
    """Tests that the table names and that are not there."""
    return [
        test
        for fault in FAULTS
        for test in fault.shown
        if not re.search(
            rf"^def {test.partition('::')[2]}\(", (ROOT / test.partition("::")[0]).read_text(), re.MULTILINE
        )
    ]
