"""`katydid plan`: how many workers a number of streams needs, from given figures or from a measured run."""

from __future__ import annotations

import math
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from katydid.commands.output import check_output, tell, write_output
from katydid.model.arguments import Commands
from katydid.model.errors import ConfigError, ExitCode
from katydid.model.jsontext import json_text
from katydid.model.options import shown
from katydid.model.options.quantities import duration, share

if TYPE_CHECKING:
    from katydid.analysis.planning import Choice, Demand, RunFacts, TheoryComparison, WorkerPlan


def run(args: Namespace) -> int:
    """Print the plan; return 0."""
    from katydid.analysis.planning import MOST_WORKERS, compare_with_theory, make_plan
    from katydid.report.plan import plan_section, plan_sentence, render_plan, theory_section
    from katydid.report.render.terminal import print_section, say, say_where, terminal
    from katydid.stats.queue_simulation import JOBS

    if args.workers is not None and not 1 <= args.workers <= MOST_WORKERS:
        raise ConfigError(f"--workers {shown(args.workers)} must be from 1 to {MOST_WORKERS}")
    if args.max_wait is not None and not (math.isfinite(args.max_wait) and args.max_wait >= 0):
        raise ConfigError(f"--max-wait {args.max_wait:g} must be 0 or more, in seconds")
    check_output(args.html, args.json)
    facts = _facts(args.folder) if args.folder else None
    demand = _demand(args, facts)
    if demand.is_simulated:
        tell(f"Simulating the queue with {JOBS:,} jobs for each number of workers: takes some seconds")
    plan = make_plan(demand, args.max_wait, args.workers)
    sections = [plan_section(plan)]
    theory = None
    if facts is not None and args.workers is not None:
        theory = compare_with_theory(facts, args.workers, plan.demand.rtf)
        sections.append(theory_section(theory))
    console = terminal(stderr=args.json == "-")
    say(console, plan_sentence(plan), "bold")
    for section in sections:
        print_section(section, console)
    if args.html:
        write_output(args.html, render_plan(plan, sections))
        say_where(console, "Page", args.html)
    if args.json:
        write_output(args.json, json_text(as_json(plan, theory)) + "\n")
    return ExitCode.PASSED


def add_parser(commands: Commands) -> None:
    """Add the command's arguments to the tree."""
    parser = commands.add_parser(
        "plan",
        description="Estimate the workers needed (concurrency × single-stream RTF / utilisation) and how long streams "
        "would queue.",
        epilog="example: katydid plan --concurrency 500 --rtf 0.1 --utilisation 0.7",
    )
    parser.add_argument(
        "--from",
        dest="folder",
        metavar="RUN",
        type=Path,
        help="take concurrency, RTF, audio and service times from a speech run; with --workers set to the number that "
        "it had, theory is shown beside the measurement",
    )
    parser.add_argument("--concurrency", type=float, help="concurrent streams")
    parser.add_argument("--rtf", type=float, help="worker-seconds per second of audio of a stream that runs alone")
    parser.add_argument(
        "--utilisation",
        type=share,
        default=0.7,
        help="share of its time that a worker may be busy; 1 = no headroom (default: 0.7)",
    )
    parser.add_argument("--audio", type=duration, help="seconds of audio in one job (default: 1)")
    parser.add_argument(
        "--variation",
        type=float,
        default=1.0,
        help="coefficient of variation of the service times (standard deviation / mean): 0 = constant, 1 = exponential "
        "(Erlang C); other values are simulated (default: 1)",
    )
    parser.add_argument(
        "--max-wait",
        type=duration,
        help="p95 wait that counts as slight queueing, in seconds (default: one job's service time)",
    )
    parser.add_argument("--time-out", type=duration, help="seconds that a client waits for its result (default: 60)")
    parser.add_argument("--workers", type=int, help="also show this number of workers")
    parser.add_argument("--html", metavar="FILE", help="write a page with the chart")
    parser.add_argument("--json", metavar="FILE", help="write the plan as JSON; - for standard output")
    parser.set_defaults(run=run)


def _facts(path: Path) -> RunFacts:
    from katydid.analysis.planning import run_facts
    from katydid.runs.folder import RunFolder

    folder = RunFolder(path)
    return run_facts(folder.samples(), folder.manifest())


def _demand(args: Namespace, facts: RunFacts | None) -> Demand:
    """The demand: the options given, and the run's figures for those that are not."""
    from katydid.analysis.planning import Demand

    concurrency, rtf, audio, time_out, services = args.concurrency, args.rtf, args.audio, args.time_out, None
    if facts is not None:
        if rtf is None and facts.rtf is not None:
            rtf, services = _plausible(facts.rtf), facts.services_s
        concurrency = facts.concurrency if concurrency is None else concurrency
        audio = facts.audio_s if audio is None else audio
        time_out = facts.time_out_s if time_out is None else time_out
    missing = [name for name, value in (("concurrency", concurrency), ("rtf", rtf)) if value is None]
    if missing:
        why = ", which the run does not have" if facts is not None else ""
        raise ConfigError(f"plan needs --{' and --'.join(missing)}{why}; see katydid plan --help")
    return Demand(
        concurrency=concurrency,
        rtf=rtf,
        utilisation=args.utilisation,
        audio_s=1.0 if audio is None else audio,
        variation=args.variation,
        services=services,
        time_out_s=60.0 if time_out is None else time_out,
    )


def _plausible(rtf: float) -> float:
    """Return the RTF that the target reports, if it is plausible.

    Raises:
        ConfigError: it is not.
    """
    from katydid.analysis.planning import PLAUSIBLE_RTF, is_plausible

    if not is_plausible(rtf):
        low, high = PLAUSIBLE_RTF
        raise ConfigError(
            f"--from: the target reports an RTF of {rtf:.2g}, which is implausible (below {low:g} or above {high:g}): "
            "repeat the run with the field's unit (--speech-fields processing=FIELD:s), or give --rtf"
        )
    return rtf


def as_json(plan: WorkerPlan, theory: TheoryComparison | None = None) -> dict[str, object]:
    """The plan as JSON values; waits are null if the queue grows without bound."""
    demand = plan.demand
    beside = {} if theory is None else {"beside_theory": _comparison(theory)}
    return {
        **_choice(plan.planned),
        "concurrency": demand.concurrency,
        "rtf": demand.rtf,
        "target_utilisation": demand.utilisation,
        "load": demand.load,
        "method": demand.method,
        "arrivals": "poisson",
        "streams_per_worker": plan.streams_per_worker,
        "slight_queueing": {"max_wait_s": plan.slight_wait_s, **_choice(plan.slight)},
        "choices": [_choice(choice) for choice in plan.choices],
        **beside,
    }


def _comparison(theory: TheoryComparison) -> dict[str, object]:
    def finite(values: dict[str, float]) -> dict[str, float | None]:
        return {name: _finite(value) for name, value in values.items()}

    return {
        "workers": theory.workers,
        "rtf": theory.rtf,
        "streams": theory.streams,
        "refused": theory.refused,
        "measured": finite(asdict(theory.measured)),
        "theory": finite(asdict(theory.theory)),
    }


def _choice(choice: Choice) -> dict[str, object]:
    return {
        "workers": choice.workers,
        "utilisation": choice.utilisation,
        "wait_probability": choice.wait_probability,
        "wait_p95_s": _finite(choice.wait_p95_s),
        "wait_p99_s": _finite(choice.wait_p99_s),
        "all_at_once_s": choice.burst_s,
        "all_at_once_share": choice.burst_share,
    }


def _finite(seconds: float) -> float | None:
    return seconds if math.isfinite(seconds) else None
