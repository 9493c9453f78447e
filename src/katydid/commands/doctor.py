"""`katydid doctor`: can this machine carry the planned run, and does the target answer?"""

from __future__ import annotations

import argparse
import math
import os
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from katydid.commands.output import STANDARD_OUTPUT, add_json, check_output, write_json
from katydid.dialects import DIALECTS
from katydid.load.stages import MOST_USERS
from katydid.model.arguments import Commands
from katydid.model.errors import ConfigError, ExitCode
from katydid.model.formatting import plural
from katydid.model.options.quantities import count, duration, quoted
from katydid.model.redact import COMPLAINT_LIMIT, Redactor

if TYPE_CHECKING:
    from katydid.doctor.checks import Checked, PlannedRun
    from katydid.report.model import Section

_WORDS = {"ok": "ok", "warning": "note", "bad": "BAD"}


def run(args: Namespace) -> int:
    """Run the checks; return 4 if something would spoil a run of that size, else 0."""
    from katydid.doctor.checks import PlannedRun, examine, reach, spoils
    from katydid.doctor.facts import gather
    from katydid.report.render.terminal import print_section, terminal

    check_output(args.json)
    plan = PlannedRun(args.users, args.interval, args.processes)
    done = examine(gather(), plan)
    if args.host:
        done.append(reach(args.host, lambda: _first_look(args)))
    ok = not spoils(done)
    print_section(_section(done, plan), terminal(stderr=args.json == STANDARD_OUTPUT))
    write_json(args.json, {"ok": ok, "plan": asdict(plan), "checks": list(map(asdict, done))})
    return ExitCode.PASSED if ok else ExitCode.INVALID


def add_parser(commands: Commands) -> None:
    """Add the command's arguments to the tree."""
    parser = commands.add_parser(
        "doctor",
        description="Check this machine before a run: limits, cores, clocks, and whether the target answers.",
        epilog="example: katydid doctor --users 1000 --interval 20 --host http://127.0.0.1:8080",
    )
    parser.add_argument("--host", default=os.environ.get("LOCUST_HOST"), help="the target's URL (LOCUST_HOST)")
    parser.add_argument(
        "--users",
        type=_whole,
        default=os.environ.get("LOCUST_USERS", "100"),
        help="number of users (default: 100; LOCUST_USERS)",
    )
    parser.add_argument(
        "--interval",
        type=_seconds,
        default=os.environ.get("LOAD_TEST_INTERVAL", "20"),
        help="seconds from one request start of a user to its next (default: 20; LOAD_TEST_INTERVAL)",
    )
    parser.add_argument(
        "--processes", type=_whole, default="1", help="generator processes on this machine (default: 1)"
    )
    parser.add_argument(
        "--api",
        type=_known,
        metavar="API",
        choices=tuple(DIALECTS),
        default=os.environ.get("LOAD_TEST_API", "openai"),
        help=f"the target's API: {', '.join(DIALECTS)} (default: openai; LOAD_TEST_API)",
    )
    parser.add_argument("--ca-file", help="certificates to trust instead of the system's (PEM)")
    parser.add_argument("--client-cert", help="client certificate, for a target that asks for one (PEM)")
    parser.add_argument("--client-key", help="the key of --client-cert (PEM)")
    parser.add_argument("--insecure", action="store_true", help="accept any certificate of the target")
    add_json(parser)


def _whole(text: str) -> int:
    if not text.isdecimal() or not 1 <= count(text) <= MOST_USERS:
        raise argparse.ArgumentTypeError(f"{quoted(text)} is not a whole number from 1 to {MOST_USERS}")
    return count(text)


def _seconds(text: str) -> float:
    value = duration(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{quoted(text)} must be more than 0")
    return value


def _known(api: str) -> str:
    """Return a built-in API: to know those that a locustfile registers, `doctor` would have to run it."""
    if api in DIALECTS:
        return api
    remedy = "to check an API that a locustfile registers, use `katydid run FILE --api …`: it checks before its load"
    raise argparse.ArgumentTypeError(f"{quoted(api)} is not one of {', '.join(DIALECTS)} (LOAD_TEST_API); {remedy}")


def _first_look(args: Namespace) -> str:
    """Check the target as a run does before its load, and return the model."""
    from katydid.engine.options import RunOptions
    from katydid.engine.services.chat import ChatService

    options = RunOptions(
        api=args.api,
        ca_file=args.ca_file,
        client_cert=args.client_cert,
        client_key=args.client_key,
        insecure=args.insecure,
    )
    service = ChatService(options, args.host)
    try:
        return service.preflight()
    except ConfigError as error:  # may quote the target's answer
        raise ConfigError(Redactor(service.secrets()).text(str(error), COMPLAINT_LIMIT)) from None
    finally:
        service.close()


def _section(done: Sequence[Checked], plan: PlannedRun) -> Section:
    from katydid.report.model import Column, Section, Table

    columns: tuple[Column[Checked], ...] = (
        Column("check", lambda check: check.name),
        Column("", lambda check: _WORDS[check.status], bad=lambda check: check.status == "bad", leads=True),
        Column("found", lambda check: check.found),
        Column("limit", lambda check: check.limit),
        Column("why", lambda check: check.why),
    )
    bad = [check.name for check in done if check.status == "bad"]
    processes = plural(plan.processes, "process", "processes")
    size = f"{plural(plan.users, 'user')}, one request per user every {plan.interval:g} s, {processes}"
    verdict = f"Not ready for this run ({', '.join(bad)}): {size}." if bad else f"Ready for this run: {size}."
    reasons = [f"{_WORDS[c.status]}: {_named(c)}: {c.found}: {c.remedy}" for c in done if c.status != "ok"]
    return Section("doctor", "Machine", (verdict, *reasons), (Table("Checks", columns, done),))


def _named(check: Checked) -> str:
    """The check's name, and whose problem it is if the name does not say so."""
    return check.name if check.name == check.blame else f"{check.name} ({check.blame})"
