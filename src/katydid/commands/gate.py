"""`katydid gate NEW --thresholds FILE`: judge a version's runs for CI, from their files alone."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from katydid.commands.output import STANDARD_OUTPUT, check_output, write_json, write_output
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


def run(given: Namespace) -> int:
    """Judge; the exit code is the judgement's."""
    import katydid.workloads  # noqa: F401 - registers what their summaries and reports say
    from katydid.gate.thresholds import read_thresholds
    from katydid.report.render.terminal import say, terminal
    from katydid.runs.find import runs_of

    check_output(given.json, given.junit, given.markdown)
    runs = runs_of(given.new) if given.new is not None else []
    thresholds = read_thresholds(thresholds_file(given.thresholds), _catalogue(runs))
    if given.only_read:
        say(terminal(), _summary(thresholds))
        return ExitCode.PASSED
    if given.new is None:
        given.parser.error("the following arguments are required: NEW")
    base = runs_of(given.baseline) if given.baseline else []
    if {run.path.resolve() for run in runs} & {run.path.resolve() for run in base}:
        raise ConfigError(f"--baseline {given.baseline} and {given.new} share runs: name those of another version")
    judgement = _judge(thresholds, runs, base, given.comparison and _read_comparison(given.comparison, runs))
    _write(judgement, given)
    return judgement.exit_code


def add_parser(commands: Commands) -> None:
    """Add the command's arguments to the tree."""
    parser = commands.add_parser(
        "gate",
        description="Judge a run, or several of one version, by a thresholds file. Exit code: 0 passed, 1 failed, "
        "2 wrong usage or file, 3 cannot tell (where the file says that this fails), 4 invalid or no data.",
        epilog="example: katydid gate reports/stream/v1.3 --thresholds thresholds/stream.toml "
        "--baseline reports/stream/v1.2 --junit junit.xml",
    )
    parser.add_argument(
        "new", metavar="NEW", type=Path, nargs="?", help="a run folder, or a folder of several runs of a version"
    )
    parser.add_argument(
        "--thresholds", metavar="FILE", required=True, help="TOML; or the name of a workload, for the file we ship"
    )
    parser.add_argument("--baseline", metavar="BASE", type=Path, help="runs of the version to compare with")
    parser.add_argument(
        "--comparison", metavar="F", type=Path, help="what `katydid ab --json` wrote, instead of comparing again"
    )
    parser.add_argument("--junit", metavar="F", help="write JUnit XML")
    parser.add_argument("--markdown", metavar="F", help="write Markdown, as for a GitHub job summary")
    parser.add_argument("--json", metavar="F|-", help="write JSON; - for standard output")
    parser.add_argument("--only-read", action="store_true", help="read the thresholds file, and judge nothing")
    parser.set_defaults(run=run, parser=parser)


def _catalogue(runs: Sequence[RunFolder]) -> Catalogue:
    """The metrics that the runs may have, or without one any run of ours; a run that cannot be read says so later."""
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
    """What `katydid ab --json` wrote of these runs.

    Raises:
        ConfigError: it is not that, or of others.
    """
    from katydid.model.documents.base import DocumentError
    from katydid.model.documents.comparison import Comparison

    remedy = "name what `katydid ab --json` wrote"
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
        raise ConfigError(f"--comparison {path} is of other runs, as {others[0]}: {remedy} of these")
    return comparison


def judged_with(
    thresholds: Thresholds, base: Sequence[RunFolder], new: Sequence[RunFolder], comparison: Comparison
) -> int:
    """Judge runs that were compared already; prints the judgement to standard error."""
    from katydid.report.gate import section
    from katydid.report.render.terminal import print_section, terminal

    judgement = _judge(thresholds, new, base, comparison)
    print_section(section(judgement), terminal(stderr=True))
    return judgement.exit_code


def _judge(
    thresholds: Thresholds, runs: Sequence[RunFolder], base: Sequence[RunFolder], known: Comparison | None = None
) -> Judgement:
    from katydid.analysis.result import RunResult
    from katydid.gate.judge import judge, unreadable

    try:
        judged, baseline = ([RunResult.load(run) for run in side] for side in (runs, base))
        comparison = known or (_compare(base, runs, thresholds) if base else None)
    except NoDataError as error:
        return unreadable(thresholds, [str(run.path) for run in runs], str(error))
    return judge(thresholds, judged, comparison, baseline)


def _compare(base: Sequence[RunFolder], new: Sequence[RunFolder], thresholds: Thresholds) -> Comparison:
    from katydid.analysis.comparison.compare import compare_versions
    from katydid.runs.find import earlier_runs

    return compare_versions(base, new, settings=thresholds.settings, history=earlier_runs(base, new))


def _write(judgement: Judgement, given: Namespace) -> None:
    from katydid.report.gate import section
    from katydid.report.render.junit import junit
    from katydid.report.render.markdown import section_markdown
    from katydid.report.render.terminal import print_section, terminal

    part = section(judgement)
    print_section(part, terminal(stderr=given.json == STANDARD_OUTPUT))
    if given.junit:
        write_output(given.junit, junit(judgement))
    if given.markdown:
        write_output(given.markdown, section_markdown(part) + "\n")
    write_json(given.json, judgement.result())
