"""The forty faults, as docs/faults.md shows them: what happens, and what Katydid reports.

For faults on the wire, the outcomes are those that tests/faults/test_wire.py checks in real runs (`faultbook`); each
of the others names its tests.
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
        says: what Katydid reports; for a fault on the wire, what the outcomes do not show.
        shown: its tests, as file::function.
    """

    number: int
    happens: str
    says: str = ""
    shown: tuple[str, ...] = (f"{_WIRE}::test_a_fault_is_one_row_that_says_what_it_was",)


def _in(file: str, *functions: str) -> tuple[str, ...]:
    return tuple(f"tests/{file}.py::{function}" for function in functions)


FAULTS = (
    Fault(1, "The answer ends properly, but does not say that it is complete"),
    Fault(2, "200, then an error inside the answer"),
    Fault(3, "200 without a token", "TTFT is null, never 0."),
    Fault(4, "A role or an empty delta comes first", "This is not the first token; the report defines what is."),
    Fault(5, "The usage comes in a late chunk of its own", "No gap includes it; the duration goes to the last byte."),
    Fault(
        6,
        "Only tool calls",
        "TTFT ends at the first of them. A session needs text, so for it they are an `empty` answer.",
    ),
    Fault(
        7,
        "One chunk carries many tokens",
        "Gaps are between chunks, and are labelled so; the token count is the server's.",
    ),
    Fault(
        8,
        "The connection is closed before the end",
        "Everything measured until then is kept. A request is sent again, once, only if its idle connection was closed "
        "at most 5 ms or two connect times after it was sent; its row says so (`resent`).",
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
    Fault(9, "The connection is reset in the middle", "Everything measured until then is kept."),
    Fault(10, "Silence on an open connection"),
    Fault(11, "One byte now and then", "The timeout covers the whole request."),
    Fault(
        12, "Only pings", "Pings keep the connection open, but are not tokens and do not extend the request's timeout."
    ),
    Fault(13, "One byte per write", "The events are the same as in one write."),
    Fault(14, "A character is split in two"),
    Fault(
        15,
        "Invalid UTF-8 in the text",
        "It is read as U+FFFD; over a WebSocket, the standard requires closing the connection.",
    ),
    Fault(16, "Lines end with CR, LF or CR LF, also split between CR and LF"),
    Fault(
        17,
        "Byte order marks",
        "The first is skipped; a later one makes its line an unknown field, as the standard requires.",
    ),
    Fault(
        18, "The last block is not terminated", "It is discarded, as the standard requires, unless it is an end mark."
    ),
    Fault(19, "U+2028, U+2029 and U+0085 in the text", "They do not end a line."),
    Fault(20, "An event or body that is not JSON", "The row keeps 200 characters of it, redacted."),
    Fault(
        21,
        "An endless line or answer",
        "Katydid gives up at 1 MiB for an event and 256 MiB for a body, or at the timeout; memory use stays flat.",
        (
            f"{_WIRE}::test_a_fault_is_one_row_that_says_what_it_was",
            *_in("faults/test_bounds", "test_no_target_fills_the_memory"),
        ),
    ),
    Fault(
        22,
        "A gzip bomb",
        "It is decompressed to at most 64 MiB; memory use stays flat.",
        (
            f"{_WIRE}::test_a_fault_is_one_row_that_says_what_it_was",
            *_in("faults/test_bounds", "test_no_target_fills_the_memory"),
        ),
    ),
    Fault(23, "A head of 1 MB or 10,000 headers"),
    Fault(
        24,
        "429 or 503 with Retry-After",
        "The request is not retried. With `--on-429 backoff`, each try is a row.",
        (
            f"{_WIRE}::test_nothing_is_asked_twice_but_what_a_dead_connection_swallowed",
            *_in("e2e/test_batch", "test_a_refused_request_is_tried_again_later_each_try_a_row"),
        ),
    ),
    Fault(25, "A redirect to another host", "It is not followed, so no key is sent there."),
    Fault(
        26,
        "The generator has no descriptors left",
        "`out_of_descriptors`, blamed on the generator. The run is invalid; remedy: raise `ulimit -n`.",
        _in("faults/test_machine", "test_a_generator_without_descriptors"),
    ),
    Fault(
        27,
        "The generator has no local ports left",
        "`out_of_ports`, blamed on the generator. The run is invalid; remedy: keep connections alive or add machines.",
        _in("faults/test_machine", "test_a_generator_without_ports"),
    ),
    Fault(
        28,
        "An unknown host name; a certificate that is expired, for another host, or from an unknown authority",
        "`dns` or `tls`, blamed on the configuration. Certificates are checked by default.",
        _in("faults/test_machine", "test_a_certificate", "test_a_name_that_nobody_knows"),
    ),
    Fault(
        29,
        "The generator is too busy, or stalls",
        "The run is invalid, and the report says why: its own code, other work on its core, or a stopped process.",
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
        "Durations use the monotonic clock; the report says that the wall clock jumped.",
        _in(
            "faults/test_belief",
            "test_a_jump_of_the_wall_clock_is_seen_and_said_and_touches_no_duration",
            "test_a_jump_between_a_bytes_arrival_and_its_reading_makes_no_age_of_an_hour",
        ),
    ),
    Fault(
        32,
        "The disk is full",
        "The run ends as invalid, with exit code 4 and one line; the rows written until then stay readable.",
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
        "The run is invalid and names the worker; the rows that it had sent are kept.",
        _in("e2e/test_runs", "test_a_run_that_lost_a_worker_says_so_and_is_invalid"),
    ),
    Fault(
        34,
        "`kill -9` of the master or of all processes; half a file",
        "`katydid report` rebuilds all but the last second, marked partial; workers stop within 10 s. A truncated file "
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
        "Once: requests in flight may finish. Twice: they are `aborted`. All files are written; the exit code is 130.",
        _in(
            "e2e/test_runs",
            "test_a_signal_ends_a_run_with_every_row",
            "test_a_second_ctrl_c_cuts_off_what_hangs_and_still_reports",
        ),
    ),
    Fault(
        36,
        "A threshold on an unknown metric; a run without rows",
        "Exit code 2 before anything is judged; `no data` with exit code 4.",
        (
            *_in("gate/test_thresholds", "test_a_wrong_file_gets_one_line_with_its_name_the_key_and_what_to_do"),
            *_in("faults/test_disk", "test_half_a_log_of_a_killed_run_gives_its_whole_batches_marked_partial"),
        ),
    ),
    Fault(
        37,
        "Markup and terminal escape sequences in the target's answers",
        "They are shown as plain text everywhere: pages, Markdown, JUnit, terminal.",
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
        "A text that a spreadsheet would treat as a formula",
        "No file of a run is CSV; Parquet and JSON store it unchanged.",
        _in("faults/test_secrets", "test_what_a_target_says_is_nowhere_markup_a_formula_or_a_command_of_the_terminal"),
    ),
    Fault(
        39,
        "The target returns our keys: in a body, a header, a status, a redirect or an event, split or escaped",
        "They are `[redacted]` in every file, page, log line, process list and worker message.",
        _in(
            "faults/test_secrets",
            "test_no_secret_is_in_what_a_run_leaves_says_or_shows_to_other_users",
            "test_no_secret_is_in_the_web_page_or_between_master_and_worker",
        ),
    ),
    Fault(
        40,
        "100,000 failures, each with a different text",
        "One line per class and blame, with one example; texts are truncated to 200 characters.",
        _in(
            "faults/test_belief",
            "test_a_hundred_thousand_different_failures_are_one_line_with_one_example",
            "test_a_failures_text_is_kept_short_however_long_the_server_talks",
        ),
    ),
)

_INTRODUCTION = """# Forty faults
A load test runs exactly when things break. Each fault below is tested. Most are injected, byte by byte, by a
misbehaving server into real runs of every workload, with both clients, between requests that it answers well. Each
must produce exactly one row with the right outcome, and the run must go on. CI injects the faults that are over
quickly; `scripts/test.sh -m slow tests/faults/test_wire.py` injects all of them. This page is made by
`python scripts/fault_table.py`; a test checks that it is current.

| | What happens | What Katydid reports | Tested with |
|---|---|---|---|
"""


def document() -> str:
    """The whole file."""
    return _INTRODUCTION + "".join(_row(fault) for fault in FAULTS) + _kinds() + _apart()


def _kinds() -> str:
    rows = "".join(
        f"| {kind.workload} | {kind.name or 'default'} | {' and '.join(kind.clients)} | {len(kind.cases)} |\n"
        for kind in KINDS
    )
    number = sum(len(kind.cases) * len(kind.clients) for kind in KINDS)
    return f"""
## How the faults are injected
| Workload | Variant | Client | Faults |
|---|---|---|---|
{rows}
These are {number} requests in all, with a good one before each. Speech, and sessions over WebSockets, have only one
client.
"""


def _apart() -> str:
    reasons: dict[tuple[str, str], list[str]] = {}
    for (fault, workload), reason in APART.items():
        reasons.setdefault((workload, reason), []).append(str(fault))
    rows = "".join(f"| {', '.join(numbers)} | {of} | {why} |\n" for (of, why), numbers in reasons.items())
    return f"""
## Faults that do not apply
| Faults | Workload | Reason |
|---|---|---|
{rows}"""


def _row(fault: Fault) -> str:
    said = [*_said(fault.number), fault.says] if fault.says else _said(fault.number)
    dealt = cases_of(fault.number)
    shown = ("all workloads" if set(dealt) == set(workloads()) else ", ".join(dealt)) or "every run"
    cells = (str(fault.number), fault.happens, " ".join(said), shown)
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |\n"


def _said(number: int) -> list[str]:
    """The outcomes of a fault, each with its cases."""
    verdicts: dict[str, list[str]] = {}
    for cases in cases_of(number).values():
        for case in cases:
            names = verdicts.setdefault(_verdict(case), [])
            if case.name not in names:
                names.append(case.name)
    return [f"{verdict}: {'; '.join(names)}." for verdict, names in verdicts.items()]


def _verdict(case: Wire) -> str:
    if case.error is None:
        return "`ok`"
    return f"`{case.error}`" + ("" if case.blame == "target" else f", blamed on the {case.blame}uration")


def missing_tests() -> list[str]:
    """Tests that the table names but that do not exist."""
    return [
        test
        for fault in FAULTS
        for test in fault.shown
        if not re.search(
            rf"^def {test.partition('::')[2]}\(", (ROOT / test.partition("::")[0]).read_text(), re.MULTILINE
        )
    ]
