"""`katydid gate NEW --thresholds FILE`: judge a version's runs for CI, from their run folders alone."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from katydid.commands.output import STANDARD_OUTPUT, check_outputs, write_json, write_output
from katydid.model.arguments import Commands
from katydid.model.errors import ConfigError, ExitCode, NoDataError
from katydid.model.formatting import plural
from katydid.resources import thresholds_file
from katydid.runs.files import MIB, read_named

if TYPE_CHECKING:
    from katydid.gate.judgement import Judgement
    from katydid.gate.thresholds import Thresholds
    from katydid.model.documents.comparison import Comparison
    from katydid.model.metrics.declared import Catalogue
    from katydid.runs.folder import RunFolder


def run(args: Namespace) -> int:
    """Judge the runs; return the exit code of the judgement."""
    import katydid.workloads  # noqa: F401 - registers their summaries and report sections
    from katydid.gate.thresholds import read_thresholds
    from katydid.report.gate import junit, section
    from katydid.report.render.markdown import section_markdown
    from katydid.report.render.terminal import print_section, say, terminal
    from katydid.runs.find import runs_of

    check_outputs(args, "json", "junit", "markdown")
    runs = runs_of(args.new) if args.new is not None else []
    thresholds = read_thresholds(thresholds_file(args.thresholds), _catalogue(runs))
    if args.only_read:
        say(terminal(), _summary(thresholds))
        return ExitCode.PASSED
    if args.new is None:
        args.parser.error("the following arguments are required: NEW")
    base = runs_of(args.baseline) if args.baseline else []
    if {run.path.resolve() for run in runs} & {run.path.resolve() for run in base}:
        raise ConfigError(f"--baseline {args.baseline} and {args.new} share runs: name runs of another version")
    judgement = _judge(thresholds, runs, base, _read_comparison(args.comparison, runs) if args.comparison else None)
    told = section(judgement)
    print_section(told, terminal(stderr=STANDARD_OUTPUT in (args.json, args.junit, args.markdown)))
    if args.junit:
        write_output(args.junit, junit(judgement))
    if args.markdown:
        write_output(args.markdown, section_markdown(told) + "\n")
    write_json(args.json, judgement.result())
    return judgement.exit_code


def add_parser(commands: Commands) -> None:
    """Add the command's arguments to the tree."""
    parser = commands.add_parser(
        "gate",
        description="Judge one run, or several of one version, by a thresholds file. Exit code: 0 passed, 1 failed, "
        "2 wrong usage or file, 3 cannot tell (if the thresholds file makes this fail), 4 invalid or no data.",
        epilog="example: katydid gate reports/stream/v1.3 --thresholds thresholds/stream.toml "
        "--baseline reports/stream/v1.2 --junit junit.xml",
    )
    parser.add_argument(
        "new", metavar="NEW", type=Path, nargs="?", help="a run folder, or a folder with several runs of a version"
    )
    parser.add_argument(
        "--thresholds",
        metavar="FILE",
        required=True,
        help="TOML file, or the name of a workload that has a shipped one",
    )
    parser.add_argument("--baseline", metavar="BASE", type=Path, help="runs of the version to compare with")
    parser.add_argument(
        "--comparison", metavar="F", type=Path, help="use this output of `katydid ab --json` instead of comparing again"
    )
    parser.add_argument("--junit", metavar="F", help="write JUnit XML")
    parser.add_argument("--markdown", metavar="F", help="write Markdown, for example for a GitHub job summary")
    parser.add_argument("--json", metavar="F|-", help="write JSON; - for standard output")
    parser.add_argument("--only-read", action="store_true", help="only check the thresholds file")


def _catalogue(runs: Sequence[RunFolder]) -> Catalogue:
    """The metrics that the runs may have; without runs, those of all workloads. Unreadable runs are reported later."""
    from katydid.model.metrics.declared import catalogue_of, declare
    from katydid.model.workload import WORKLOADS

    if not runs:
        return catalogue_of(*(declare(record.columns, record.metrics) for record in WORKLOADS.values()))
    manifests = []
    for run in runs:
        with suppress(NoDataError):
            manifests.append(run.manifest())
    return catalogue_of(*manifests)


def _summary(thresholds: Thresholds) -> str:
    from katydid.analysis.comparison.primaries import FAILURES

    told = f"{thresholds.source}: {plural(len(thresholds.objectives), 'objective')}"
    primary = dict.fromkeys([*thresholds.settings.primary, FAILURES])
    return f"{told}, compared by {', '.join(primary)}" if thresholds.wants_comparison else told


def _read_comparison(path: Path, runs: Sequence[RunFolder]) -> Comparison:
    """Read the output of `katydid ab --json` for these runs.

    Raises:
        ConfigError: the file is not a comparison, or it compares other runs.
    """
    from katydid.model.documents.base import DocumentError
    from katydid.model.documents.comparison import Comparison

    remedy = "name a file that `katydid ab --json` wrote"
    try:
        comparison = Comparison.parse(read_named(path, 64 * MIB))
    except ConfigError as error:
        raise ConfigError(f"--comparison {path}: {error}: {remedy}") from None
    except OSError as error:
        raise ConfigError(f"--comparison {path}: {error.strerror}; {remedy}") from None
    except DocumentError as error:
        raise ConfigError(f"--comparison {path} is not a comparison ({error}): {remedy}") from None
    given = {run.path.resolve().parts[-2:] for run in runs}
    others = [run.run for side in comparison.sides[1:] for run in side.runs if Path(run.run).parts[-2:] not in given]
    if others:
        raise ConfigError(f"--comparison {path} is of other runs, as {others[0]}: {remedy} for these runs")
    return comparison


def judged_with(
    thresholds: Thresholds, base: Sequence[RunFolder], new: Sequence[RunFolder], comparison: Comparison
) -> int:
    """Judge runs that are already compared, print the judgement to standard error, and return the exit code."""
    from katydid.report.gate import section
    from katydid.report.render.terminal import print_section, terminal

    judgement = _judge(thresholds, new, base, comparison)
    print_section(section(judgement), terminal(stderr=True))
    return judgement.exit_code


def _judge(
    thresholds: Thresholds, runs: Sequence[RunFolder], base: Sequence[RunFolder], comparison: Comparison | None
) -> Judgement:
    from katydid.analysis.comparison.compare import compare_versions
    from katydid.analysis.summary import RunResult
    from katydid.gate.judge import judge, unreadable
    from katydid.runs.find import earlier_runs

    try:
        judged, baseline = ([RunResult.load(run) for run in side] for side in (runs, base))
        if base and comparison is None:
            comparison = compare_versions(base, runs, settings=thresholds.settings, history=earlier_runs(base, runs))
    except NoDataError as error:
        return unreadable(thresholds, [str(run.path) for run in runs], str(error))
    return judge(thresholds, judged, comparison, baseline)
