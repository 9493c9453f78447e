"""`katydid plan`: how many workers a number of streams needs, from numbers or from a measured run."""

import argparse
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from katydid.analysis.plan import Choice, Demand, Plan, make_plan
from katydid.core.arguments import OneLineParser
from katydid.core.errors import ConfigError, ExitCode
from katydid.report.plan import plan_section, plan_sentence, render_plan
from katydid.report.terminal import print_section


def main(arguments: Sequence[str]) -> int:
    """Print the plan; 0 when there is one."""
    asked = _parser().parse_args(arguments)
    if asked.workers is not None and asked.workers < 1:
        raise ConfigError(f"--workers {asked.workers} must be at least 1")
    if asked.max_wait is not None and not (math.isfinite(asked.max_wait) and asked.max_wait >= 0):
        raise ConfigError(f"--max-wait {asked.max_wait:g} must be 0 or more, in seconds")
    plan = make_plan(_demand(asked), asked.max_wait, asked.workers)
    console = Console(highlight=False, soft_wrap=True, stderr=asked.json == "-")
    console.print(Text(plan_sentence(plan), style="bold"))
    print_section(plan_section(plan), console)
    if asked.html:
        _write(asked.html, render_plan(plan))
        console.print(Text(f"Page: {asked.html}"))
    if asked.json:
        _write(asked.json, json.dumps(as_json(plan), indent=2) + "\n")
    return ExitCode.PASSED


def _parser() -> argparse.ArgumentParser:
    parser = OneLineParser(
        prog="katydid plan",
        description="Workers needed = concurrency × single-stream RTF / utilisation, and the queueing behind it.",
        epilog="example: katydid plan --concurrency 500 --rtf 0.1 --utilisation 0.7",
    )
    parser.add_argument("--concurrency", type=float, help="streams at the same time")
    parser.add_argument("--rtf", type=float, help="worker-seconds a second of audio, of a stream alone")
    parser.add_argument(
        "--utilisation", type=float, default=0.7, help="share of its time that a worker may be busy; 0.7"
    )
    parser.add_argument("--audio", type=float, default=1.0, help="seconds of audio in one job (1)")
    parser.add_argument(
        "--variation",
        type=float,
        default=1.0,
        help="standard deviation of the service times over their mean: 0 = all alike, 1 = exponential (Erlang C, the "
        "default); others are simulated",
    )
    parser.add_argument("--max-wait", type=float, help="seconds of p95 wait that are slight (a job's own work)")
    parser.add_argument("--time-out", type=float, default=60.0, help="seconds that a client waits for its result (60)")
    parser.add_argument("--workers", type=int, help="a number of workers to look at too")
    parser.add_argument("--html", metavar="FILE", help="write a page with the picture")
    parser.add_argument("--json", metavar="FILE", help="write the plan as JSON; - = standard output")
    return parser


def _demand(asked: argparse.Namespace) -> Demand:
    missing = [name for name in ("concurrency", "rtf") if getattr(asked, name) is None]
    if missing:
        raise ConfigError(f"plan needs --{' and --'.join(missing)}; see katydid plan --help")
    return Demand(
        concurrency=asked.concurrency,
        rtf=asked.rtf,
        utilisation=asked.utilisation,
        audio_s=asked.audio,
        variation=asked.variation,
        time_out_s=asked.time_out,
    )


def as_json(plan: Plan) -> dict[str, Any]:
    """The plan for machines; null where a queue only grows."""
    demand = plan.demand
    return {
        **_choice(plan.planned),
        "concurrency": demand.concurrency,
        "rtf": demand.rtf,
        "target_utilisation": demand.utilisation,
        "load": demand.load,
        "method": demand.method,
        "streams_per_worker": plan.streams_per_worker,
        "slight_queueing": {"max_wait_s": plan.slight_wait_s, **_choice(plan.slight)},
        "choices": [_choice(choice) for choice in plan.choices],
    }


def _choice(choice: Choice) -> dict[str, Any]:
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


def _write(name: str, text: str) -> None:
    if name == "-":
        sys.stdout.write(text)
        return
    try:
        Path(name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{name} cannot be written ({error.strerror}): name another file") from None
