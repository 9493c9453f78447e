"""The load shape of `katydid capacity`: a search that decides live, in the process that keeps the run folder.

It decides by the samples that come in from all processes; later the same code makes the estimate from the finished
folder (`analysis.capacity.estimate`).
"""

from dataclasses import asdict, dataclass

import pandas as pd
import pyarrow as pa

from katydid.analysis.capacity.holds import Criterion, HoldResult, measure_hold
from katydid.analysis.capacity.search import CapacitySearch, SearchSettings
from katydid.analysis.derived import with_derived
from katydid.engine.options import RunOptions, parsing
from katydid.engine.options.load import pool_of
from katydid.engine.options.parsing import run_options
from katydid.engine.stages.shape import HoldsShape, StagedFacts, facts_of_rates, read_criteria
from katydid.load.pacing import Mode
from katydid.load.stages import AtRates, StagePlan
from katydid.model.documents.manifest import Manifest, StageRecord
from katydid.model.errors import ConfigError
from katydid.model.options import POSITIVE, option
from katydid.model.options.quantities import count, duration

HOLD_INTERVALS = 6.0
"""Length of a measured hold in intervals: one to settle, and five that count."""


@dataclass(frozen=True, kw_only=True)
class CapacityOptions:
    """Options of a search, in addition to those of its workload; `failure_threshold` ends a hold early."""

    thresholds: str | None = option(
        None, "thresholds file whose [objective] must be met (default: failures and --limit)"
    )
    limit: float | None = option(
        None,
        "seconds within which 95 % of the answers must end (default: the interval)",
        kind=duration,
        rule=POSITIVE,
    )
    search: str = option(
        "users",
        "what to search for: users = the number of users with an interval; rate = a rate of requests (see --arrivals), "
        "in steps of one request per interval",
        choices=("users", "rate"),
    )
    max_rate: float = option(100.0, "highest rate to try, in requests/s", kind=float, rule=POSITIVE)
    start_rate: float = option(1.0, "first rate to try, in requests/s", kind=float, rule=POSITIVE)
    max_users: int = option(500, "highest number of users to try", kind=count, rule=POSITIVE)
    start_users: int = option(10, "first number of users to try", kind=count, rule=POSITIVE)
    hold: float | None = option(
        None,
        "seconds of a measured hold (default: 6 intervals); longer if there are few requests, or for a rate limiter",
        kind=duration,
        rule=POSITIVE,
    )
    steps: int = option(5, "number of loads to measure around the capacity", kind=count, rule=POSITIVE)
    repeats: int = option(3, "how often to measure each of them", kind=count, rule=POSITIVE)

    def search_settings(self, run: RunOptions) -> SearchSettings:
        """The settings of the search, given the workload's options.

        Raises:
            ConfigError: holds are too short, there are too few loads, or users have no interval.
        """
        hold = HOLD_INTERVALS * run.interval if self.hold is None else self.hold
        if hold < 3 * run.interval:
            least = 3 * run.interval
            raise ConfigError(f"--hold {hold:g} is too short: give at least 3 intervals ({least:g} s), one to settle")
        if run.mode is not Mode.PACED:
            flag = "--rate: search for it with --search rate, and" if run.rate else "a closed loop has no capacity:"
            raise ConfigError(f"{flag} give an --interval, the time unit of the search")
        if self.steps < 3:
            raise ConfigError(f"--steps {self.steps} is too few: a curve needs 3 loads, and 5 to 7 are better")
        most, first = self.max_users, self.start_users
        if self.search == "rate":  # converted to users with an interval at the same rate
            most, first = (max(1, round(rate * run.interval)) for rate in (self.max_rate, self.start_rate))
        return SearchSettings(
            interval=run.interval,
            hold=hold,
            max_users=most,
            start=first,
            steps=self.steps,
            repeats=self.repeats,
            seed=run.seed,
            failure_limit=run.failure_threshold,
        )


parsing.register(CapacityOptions)


class CapacityShape(HoldsShape):
    """Searches for the highest load that meets the objective."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[pa.Table] = []

    def check(self, parsed: object) -> None:
        """See `HoldsShape.check`."""
        if not self.runtime.paced_users():
            raise ConfigError("the locustfile has no user of Katydid's: a capacity needs users that keep an interval")
        run, asked, _ = self._asked(parsed)
        asked.search_settings(run)

    def facts(self, workload: str) -> StagedFacts:
        """See `HoldsShape.facts`."""
        run, asked, criteria = self._asked(self.runtime.environment.parsed_options)
        facts = facts_of_rates(run.arrivals) if asked.search == "rate" else StagedFacts()
        return {
            **facts,
            "workload": f"capacity-{workload}",
            "plan": "capacity",
            "objective": [asdict(c) for c in criteria],
            "search": asdict(asked.search_settings(run)),
            "failure_threshold": 0,
        }

    def make_plan(self) -> StagePlan:
        """See `HoldsShape.make_plan`."""
        run, asked, criteria = self._asked(self.runtime.environment.parsed_options)

        def measure(record: StageRecord) -> HoldResult:
            rows, self._rows = self._rows, []
            samples = pa.concat_tables(rows, promote_options="default").to_pandas() if rows else pd.DataFrame()
            frame = with_derived(samples, Manifest.of(interval_s=run.interval))
            result = measure_hold(frame, record, run.interval, criteria)
            self.runtime.announce(f"  {result.text}")
            return result

        self._rows = []
        search = CapacitySearch(asked.search_settings(run), criteria, measure)
        return AtRates(search, run.interval, pool_of) if asked.search == "rate" else search

    def at_rates(self, parsed: object) -> bool:
        """See `HoldsShape.at_rates`."""
        return run_options(parsed, CapacityOptions).search == "rate"

    def took(self, rows: pa.Table) -> None:
        """See `HoldsShape.took`."""
        self._rows.append(rows)

    def _asked(self, parsed: object) -> tuple[RunOptions, CapacityOptions, list[Criterion]]:
        """The options of the workload, those of the search, and the objective."""
        runtime = self.runtime
        run, asked = run_options(parsed, runtime.options_class), run_options(parsed, CapacityOptions)
        return run, asked, read_criteria(asked.thresholds, asked.limit, run.interval, runtime.paced_users())
