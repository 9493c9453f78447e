"""`katydid plan`: how many workers a number of streams needs, from given figures or from a measured run."""

from __future__ import annotations

import math
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from katydid.commands.output import STANDARD_OUTPUT, check_output, tell, write_json, write_output
from katydid.model.arguments import Commands
from katydid.model.errors import ConfigError, ExitCode
from katydid.model.options import shown
from katydid.model.options.quantities import duration, share

if TYPE_CHECKING:
    from katydid.analysis.planning import Choice, Demand, WorkerPlan
    from katydid.analysis.speech_theory import RunFacts, TheoryComparison


def run(args: Namespace) -> int:
    """Print the plan; return 0."""
    from katydid.analysis.planning import MOST_WORKERS, make_plan
    from katydid.analysis.speech_theory import compare_with_theory, run_facts
    from katydid.report.plan import plan_section, plan_sentence, render_plan, theory_section
    from katydid.report.render.terminal import print_section, say, say_where, terminal
    from katydid.runs.folder import RunFolder
    from katydid.stats.queueing import JOBS

    if args.workers is not None and not 1 <= args.workers <= MOST_WORKERS:
        raise ConfigError(f"--workers {shown(args.workers)} must be from 1 to {MOST_WORKERS}")
    if args.max_wait is not None and not (math.isfinite(args.max_wait) and args.max_wait >= 0):
        raise ConfigError(f"--max-wait {args.max_wait:g} must be 0 or more, in seconds")
    check_output(args.html, args.json)
    facts = None
    if args.folder:
        run_folder = RunFolder(args.folder)
        facts = run_facts(run_folder.samples(), run_folder.manifest())
    demand = _demand(args, facts)
    if demand.is_simulated:
        tell(f"Simulating the queue with {JOBS:,} jobs for each number of workers: takes some seconds")
    plan = make_plan(demand, args.max_wait, args.workers)
    theory = compare_with_theory(facts, args.workers, demand.rtf) if facts and args.workers is not None else None
    sections = [plan_section(plan), *([theory_section(theory)] if theory else [])]
    console = terminal(stderr=args.json == STANDARD_OUTPUT)
    say(console, plan_sentence(plan), "bold")
    for section in sections:
        print_section(section, console)
    if args.html:
        write_output(args.html, render_plan(plan, sections))
        say_where(console, "Page", args.html)
    write_json(args.json, _json(plan, theory))
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


def _demand(args: Namespace, facts: RunFacts | None) -> Demand:
    """The demand: the options given, and the run's figures for those that are not."""
    from katydid.analysis.planning import Demand

    found: dict[str, Any] = {}
    if facts is not None:
        found = {"concurrency": facts.concurrency, "audio_s": facts.audio_s, "time_out_s": facts.time_out_s}
        if args.rtf is None and facts.rtf is not None:
            found |= {"rtf": _plausible(facts.rtf), "services": facts.services_s}
    given = {"concurrency": args.concurrency, "rtf": args.rtf, "audio_s": args.audio, "time_out_s": args.time_out}
    found |= {name: value for name, value in given.items() if value is not None}
    if missing := [name for name in ("concurrency", "rtf") if name not in found]:
        why = ", which the run does not have" if facts is not None else ""
        raise ConfigError(f"plan needs --{' and --'.join(missing)}{why}; see katydid plan --help")
    return Demand(utilisation=args.utilisation, variation=args.variation, **found)


def _plausible(rtf: float) -> float:
    """Return the RTF that the target reports, unless it is in the wrong unit."""
    from katydid.analysis.speech_theory import PLAUSIBLE_RTF, is_plausible

    if not is_plausible(rtf):
        low, high = PLAUSIBLE_RTF
        raise ConfigError(
            f"--from: the target reports an RTF of {rtf:.2g}, which is implausible (below {low:g} or above {high:g}): "
            "repeat the run with the field's unit (--speech-fields processing=FIELD:s), or give --rtf"
        )
    return rtf


def _json(plan: WorkerPlan, theory: TheoryComparison | None) -> dict[str, object]:
    demand = plan.demand
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
        **({} if theory is None else {"beside_theory": _finite(asdict(theory))}),
    }


_NAMES = {"burst_s": "all_at_once_s", "burst_share": "all_at_once_share"}


def _choice(choice: Choice) -> dict[str, Any]:
    return {_NAMES.get(name, name): _finite(value) for name, value in asdict(choice).items()}


def _finite(value: Any) -> Any:
    """Replace infinite waits, of a queue that grows without bound, and missing figures (NaN) with None."""
    if isinstance(value, dict):
        return {name: _finite(part) for name, part in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
