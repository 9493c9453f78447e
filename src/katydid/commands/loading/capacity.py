"""`katydid capacity WORKLOAD`: search for the highest load that meets the objective, in one run."""

from argparse import ArgumentParser, Namespace

from katydid.commands.loading.run import add_run_arguments, run_parser
from katydid.commands.loading.run import run as run_workload
from katydid.commands.output import STANDARD_OUTPUT, check_output, tell, write_json
from katydid.model.arguments import Commands
from katydid.model.documents.capacity import CapacityFound, CapacityResult
from katydid.model.errors import ExitCode, worst
from katydid.model.formatting import plural


def add_parser(commands: Commands) -> None:
    """Add the command's arguments to the tree."""
    parser = commands.add_parser(
        "capacity",
        description="Search for the highest load that meets the objective: the number of users, each with one request "
        "per interval, or the rate of requests (--search rate).",
        add_help=False,
        allow_abbrev=False,
        usage="katydid capacity WORKLOAD [--thresholds FILE] [--json F|-] [Katydid's and Locust's options]",
        epilog="example: katydid capacity stream --host http://gpu-1:8080 --interval 2 --limit 1",
    )
    parser.add_argument("--json", metavar="F", help="write the result as JSON; - for standard output")
    add_run_arguments(parser)
    parser.set_defaults(run_parser=_run_parser)


def _run_parser(workload: str | None = None) -> tuple[ArgumentParser, int | None]:
    import katydid.engine.stages.capacity_shape  # noqa: F401 - registers the options of a search

    return run_parser(workload)


def run(args: Namespace) -> int:
    """Search; return 0 if a capacity was found, 4 if no load met the objective or the run is invalid."""
    from katydid.analysis.summary import RunResult
    from katydid.engine.plugin import Lifecycle
    from katydid.engine.stages.capacity_shape import CapacityShape

    check_output(args.json)
    Lifecycle.shape = CapacityShape
    code = ExitCode(run_workload(args, stderr=args.json == STANDARD_OUTPUT))
    folder = Lifecycle.last_folder
    if folder is None:  # nothing was run, or this is a worker
        return code
    summary = RunResult.load(folder).summary
    found = summary.capacity
    if args.json:
        told = {**summary.get("capacity", {}), "valid": summary.valid, "ended": summary.ended, "run": str(folder.path)}
        write_json(args.json, CapacityResult.of(**told))
    return worst(code, ExitCode.PASSED if _found(found) else ExitCode.INVALID)


def _found(result: CapacityFound | None) -> bool:
    """Return True if a capacity was found; else print why not."""
    if result is not None and result.capacity is not None:
        return True
    if result is not None and result.limiter_seen is False:
        longest = max(step.limiter_at_least_s for step in result.steps)
        tell(
            "katydid: the capacity is not determined: the target's rate limiter rejected requests, and no hold covered "
            f"two of its windows (each {longest:.3g} s or longer); give a --hold of at least two windows"
        )
        return False
    fewest = min((step.users for step in result.steps), default=None) if result else None
    tried = f"not even {plural(fewest, 'user')} met the objective" if fewest else "no load was measured"
    remedy = "see the failures in the report, or relax the objective with --limit or --thresholds"
    tell(f"katydid: no capacity was found: {tried}; {remedy}")
    return False
