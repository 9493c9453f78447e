"""`katydid learn LOG`: make a trace without texts, and a traffic profile, from a gateway's log."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from katydid.commands.output import STANDARD_OUTPUT, add_json, check_outputs, write_json, write_output
from katydid.model.arguments import Commands
from katydid.model.errors import ConfigError, ExitCode, os_words
from katydid.runs.files import open_named

if TYPE_CHECKING:
    from collections.abc import Sequence

    from katydid.model.documents.traffic import Difference, HourlyRate, Spread, Traffic
    from katydid.report.model import Section

_PIECE = 2**16


def add_parser(commands: Commands) -> None:
    """Add the command's arguments to the tree."""
    parser = commands.add_parser(
        "learn",
        description="Make a trace without texts for `katydid run --trace`, and a profile of your traffic, from a "
        "gateway's log: LiteLLM's JSON, nginx's access log in JSON, or OpenTelemetry's generative AI spans in JSON.",
        epilog="example: katydid learn access.jsonl -o trace.csv --against reports/stream/v1.2/20261121T090000Z",
    )
    parser.add_argument("log", metavar="LOG", help="the gateway's log; may be .gz")
    parser.add_argument("-o", "--output", metavar="F", help="write the trace as CSV; - for standard output")
    parser.add_argument("--against", metavar="RUN", type=Path, help="run folder of a test to compare with this traffic")
    add_json(parser)


def run(args: Namespace) -> int:
    """Write the trace and show the profile; return 0."""
    from katydid.analysis.traffic import differences, of_log, of_run, verdict_on
    from katydid.load.traces.learning import csv_of, learned
    from katydid.model.documents.traffic import Learning
    from katydid.model.formatting import plural
    from katydid.report.render.terminal import print_section, say, terminal
    from katydid.runs.folder import RunFolder

    check_outputs(args, "output", "json")
    try:
        with open_named(args.log) as file:
            log = learned(iter(lambda: file.read(_PIECE), b""))
    except (ConfigError, OSError) as error:
        raise ConfigError(f"{args.log}: {os_words(error) if isinstance(error, OSError) else error}") from None
    traffic = of_log(log)
    test = of_run(RunFolder(args.against).samples()) if args.against else None
    found = differences(test, traffic) if test else []
    sentence = _sentence(traffic)
    verdict = verdict_on(found) if test else sentence
    console = terminal(stderr=STANDARD_OUTPUT in {args.output, args.json})
    say(console, sentence)
    if left := log.left_out.total():
        why = ", ".join(f"{count} with {reason}" for reason, count in log.left_out.most_common(3))
        say(console, f"Left out {plural(left, 'entry', 'entries')} of the log: {why}.")
    for section in [*_sections(traffic), *([_against(found)] if test else [])]:
        print_section(section, console)
    if test:
        say(console, verdict)
    if args.output:
        write_output(args.output, "".join(f"{line}\n" for line in csv_of(log.trace)))
        say(console, f"Trace: {args.output}; replay it with katydid run stream --trace {args.output}")
    told = Learning.of(
        log=args.log,
        trace=args.output,
        left_out=dict(log.left_out),
        traffic=traffic,
        test=test,
        differences=found,
        verdict=verdict,
    )
    write_json(args.json, told)
    return ExitCode.PASSED


def _sentence(traffic: Traffic) -> str:
    """The number of requests, their rate and the variation of their gaps."""
    from katydid.model.formatting import or_dash, plural, significant

    cv = or_dash(traffic.cv, significant)
    return (
        f"{plural(traffic.requests, 'request')} in {traffic.seconds:,.0f} s: {significant(traffic.rate_per_s)}/s, "
        f"{significant(traffic.peak_per_s)}/s in the busiest minute; CV of the gaps {cv}."
    )


def _sections(traffic: Traffic) -> list[Section]:
    """Lengths, turns and prefixes; and the rate by hour, if the log covers more than one."""
    from katydid.model.formatting import fraction, or_dash
    from katydid.model.units import Unit
    from katydid.report.model import Column, Section, Table

    def figure(name: str) -> Column[tuple[str, Spread | None]]:
        return Column(name, lambda row: getattr(row[1], name.lower(), None), Unit.COUNT)

    lengths = [
        ("input tokens", traffic.input),
        ("output tokens", traffic.output),
        ("turns of a conversation", traffic.turns),
    ]
    columns = (Column("", lambda row: row[0]), *map(figure, ("Mean", "p50", "p95")))
    prefixes = f"Prefix share: {or_dash(traffic.prefix_share, fraction)} of the input tokens."
    found = [Section("traffic", "Lengths", [prefixes], [Table("", columns, lengths)])]
    if len(traffic.rate_by_hour) > 1:
        by_hour: tuple[Column[HourlyRate], ...] = (
            Column("Hour (UTC)", lambda each: f"{each.hour:02d}:00"),
            Column("Requests/s", lambda each: each.per_s, Unit.COUNT),
        )
        found.append(Section("day", "Rate over the day", (), [Table("", by_hour, traffic.rate_by_hour)]))
    return found


def _against(found: Sequence[Difference]) -> Section:
    """The table that shows the test beside the traffic."""
    from katydid.analysis.traffic import said
    from katydid.model.units import Unit
    from katydid.report.model import Column, Section, Table

    columns: tuple[Column[Difference], ...] = (
        Column("", lambda each: each.name),
        Column("Test", lambda each: said(each.test, each.name), Unit.COUNT, bad=lambda each: each.differs),
        Column("Traffic", lambda each: said(each.traffic, each.name), Unit.COUNT),
    )
    return Section("against", "Your test beside your traffic", (), [Table("", columns, found)])
