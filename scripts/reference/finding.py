"""The pages on what is found: metrics, errors, files and their columns, rules of validity, thresholds."""

from collections.abc import Iterable
from dataclasses import fields
from itertools import starmap
from typing import Any

from cells import code, described, described_by_all, first_sentence, table, text, unit
from workload import also, parent_of, user_of

from katydid.analysis.calibration import LIMITS
from katydid.analysis.configuration import CONFIG_STATUSES
from katydid.analysis.validity import RULES
from katydid.doctor.checks import CHECKS
from katydid.gate.limits import ASKED
from katydid.gate.thresholds import SECTIONS, Policy, Thresholds
from katydid.model.documents.comparison import CompareSettings
from katydid.model.errors import PRECEDENCE, ExitCode
from katydid.model.metrics import METRICS, STATISTICS
from katydid.model.sample import ErrorClass, Sample
from katydid.model.workload import WORKLOADS, Workload
from katydid.resources import resource_folder, shipped_workloads
from katydid.runs import folder
from katydid.runs.gaps import GapRow
from katydid.runs.rows import EventRow, MonitorRow, record_schema, sample_schema

_ONE = ".p50"
"""Every distribution has it."""


def metrics() -> str:
    """The metrics of summary.json."""
    head = ["name", "label", "unit", "better", "definition"]
    kinds = {name: m for name, m in METRICS.items() if "." not in name}
    spread = {name.removesuffix(_ONE): m for name, m in METRICS.items() if name.endswith(_ONE)}
    distributions, rates = (
        [[code(n), text(m.label.removesuffix(f", {_ONE[1:]}")), unit(m.unit), m.better.value, text(m.definition)]
         for n, m in rows.items()]
        for rows in (spread, kinds)
    )  # fmt: skip
    return f"""\
# Metrics

The names of `summary.json`, of a thresholds file and of every report. Only requests outside the warm-up and before
the stop count.

## Distributions

Of successful requests. A name and a statistic make a metric, as in `ttft.p95`. A workload without the column lacks
the metric. Where requests timed out or were cut off, `censored` in `summary.json` has the values in which they count
as at least the time they had: reports, objectives and comparisons take those.

{table(head, distributions)}
A statistic is given from this many requests on, so that with 99 % confidence the sample reaches beyond it (MLPerf
LoadGen's binomial rule); below it says “too few”.

{table(["statistic", "requests"], ([code("." + s.name), str(s.fewest)] for s in STATISTICS))}
## Figures of the whole run

{table(head, rates)}{"".join(map(_declared, filter(lambda w: w.metrics, WORKLOADS.values())))}"""


def _declared(workload: Workload) -> str:
    """The metrics that one workload alone has."""
    rows = [[code(m.name), text(m.label), m.read, unit(m.unit), m.better, text(m.definition)] for m in workload.metrics]
    return f"""
## Of `{workload.name}` alone

{table(["name", "label", "is a", "unit", "better", "definition"], rows)}"""


def listed(values: Iterable[int]) -> str:
    """`400, 401 or 403`."""
    *most, last = map(str, sorted(values))
    return f"{', '.join(most)} or {last}"


def errors() -> str:
    """Error classes with their blame, and exit codes."""
    said, codes = described(ErrorClass), described(ExitCode)
    return f"""\
# Errors and exit codes

## Error classes

Every failed row has one (`error`), and with it whom to ask (`blame`). Failures of the generator or the configuration
make a run invalid. Which fault gets which: [forty faults](../faults.md).

One thing only the whole run can tell: where every request that got an answer was refused with
{listed(CONFIG_STATUSES)}, the configuration is to blame. `errors` in `summary.json`, the report and the headline say
so, and what to check; the rows keep what was known when they were written, and the run is valid: it failed.

{table(["error", "blame", "means"], ([code(e), code(e.blame), text(said[e.name])] for e in ErrorClass))}
## Exit codes

Of every command; where several apply, in the order {", ".join(str(int(code)) for code in PRECEDENCE)}.
A gate whose objective of the `failure_rate` is broken exits with 1, also where no request succeeded and other values
are missing; with 4 where the failures may be the generator's. What a run's interruption cut off makes the run invalid,
and its code is 130 all the same.

{table(["code", "means"], ([code(int(e)), text(codes[e.name])] for e in ExitCode))}"""


_FILES = {
    folder.REPORT: "the report: one page, no network needed, complete without JavaScript, which adds zoom",
    folder.SUMMARY: "[metrics](metrics.md), counts, errors, `valid` and why not: [its keys](json.md)",
    folder.MANIFEST: "what made the run, what must match for a comparison, and how it ended",
    folder.LOCUST_REPORT: "Locust's own report",
    "samples.parquet": "a row a request",
}
_RECORDS = {"monitor": MonitorRow, "events": EventRow, "gaps": GapRow}


def files() -> str:
    """A run folder's files, and the columns of its tables."""
    said = described(Sample) | {
        "outcome": "`ok`, `failed`, `aborted` (the run ended first) or `abandoned` (its client left on purpose)",
        "blame": "of a failure: `target`, `generator` or `config`",
        "error": "of a failure: its class",
    }
    known = _FILES | {f"{kind}.parquet": text(first_sentence(record)) for kind, record in _RECORDS.items()}
    return f"""\
# Files of a run

`RESULTS/WORKLOAD/VERSION/YYYYMMDDTHHMMSSZ/`, in UTC, with a suffix `-2` … where that exists.

{table(["file", "what"], ([code(name), what] for name, what in known.items()))}
`RESULTS/index.html`, written again with every report, lists all runs by workload and version, with headline and link.
A page or a link of that name that Katydid did not write stays as it is.

While the run goes on, and where it never came to its end, the tables are `*.rows`, which `katydid report` reads then.

## samples.parquet

Milliseconds on the monotonic clock, from the run's start; null where a thing did not happen, never 0. Rows with
`after_stop` or `warm_up` count in no statistic. What can stand in `error`: [error classes](errors.md).

{_columns(sample_schema(), said)}
{"".join(map(_added_columns, shipped_workloads()))}{"".join(starmap(_table, _RECORDS.items()))}"""


def _table(kind: str, record: type) -> str:
    return f"## {kind}.parquet\n\n{_columns(record_schema(record), described(record))}\n"


def _added_columns(workload: str) -> str:
    user, parent = user_of(workload), parent_of(workload)
    said = described_by_all(user, "Columns")
    known = parent.extra_columns if parent else {}
    own = {column: kind for column, kind in user.extra_columns.items() if column not in known}
    if not own:
        return f"### {workload}\n\nThose of `{parent.workload}`.\n\n" if known else ""
    return f"### {workload}\n\n{also(parent)}{_columns(list(sample_schema(own))[len(sample_schema()) :], said)}\n"


def _columns(schema: Iterable[Any], said: dict[str, str]) -> str:
    """Columns; a column that no docstring describes stops us."""
    kinds = {"double": "float64"}
    rows = [[code(c.name), kinds.get(str(c.type), str(c.type)), text(said[c.name])] for c in schema]
    return table(["column", "type", "meaning"], rows)


def validity() -> str:
    """What makes a run invalid, a machine unfit, and an instrument wrong."""
    named = {
        None: "all", "sent_chunks": "speech", "server_rtf": "speech", "send_ms": "HTTP, `--client fast`",
        "target_input_tokens": "`--input-tokens`",
        "target_output_tokens": "`--output-tokens`", "prompt_tokens": "models", "prompt_id": "prompts of a list",
    }  # fmt: skip
    rules = [[code(r.name), text(r.limit), text(r.why), named[r.column]] for r in RULES]
    rules += [[code(r.name), text(r.limit), text(r.why), code(w.name)] for w in WORKLOADS.values() for r in w.rules]
    checks = [[c.name, text(c.limit), text(c.why), c.blame] for c in CHECKS]
    limits = [[x.name, f"≤ {x.most * (100 if x.unit == '%' else 1):g} {x.unit}", text(x.why)] for x in LIMITS]
    return f"""\
# Rules of validity

## Of a run

A broken rule makes the run invalid (exit code 4), or is a warning; the report says which, and what to do. Why there
are such rules: [what invalid means](../explanation/measuring.md).

{table(["rule", "limit", "why", "workloads"], rules)}
## Of a machine

What `katydid doctor` checks before a run.

{table(["check", "limit", "why", "whose"], checks)}
## Of the instrument

What `katydid calibrate` calls faithful.

{table(["error", "limit", "why"], limits)}"""


def thresholds() -> str:
    """The keys of a thresholds file."""
    said = described(CompareSettings) | described(Thresholds)
    defaults = {f.name: f.default for f in (*fields(CompareSettings), *fields(Thresholds))}
    rows = [
        [code(f"[{section}] {key}"), code(_toml(section, defaults[key])), text(said[key])]
        for section, keys in SECTIONS.items()
        for key in keys
    ]
    units = [[unit(u), what, " or ".join(map(code, how.split(" or ")))] for u, (what, how) in ASKED.items()]
    shipped = (resource_folder("thresholds") / "stream.toml").read_text(encoding="utf-8")
    return f"""\
# Thresholds files

What `katydid gate`, `katydid capacity` and the workload `scale` judge by. A section or key that is not here, and a
metric that does not exist, are errors. `katydid gate --thresholds FILE --only-read` says whether a file is right.

## `[objective]`

Any [metric](metrics.md) and its limit, as in `"ttft.p95" = "< 1.5s"`, with `<`, `<=`, `>` or `>=`. A request that
timed out or was cut off counts as at least the time it had; a value that lies among such requests can break an upper
limit, but never keeps one.

{table(["unit of the metric", "the limit is a", "written"], units)}
## Other keys

{table(["key", "default", "meaning"], rows)}
## The one that ships for `stream`

```toml
{shipped}```
"""


def _toml(section: str, value: Any) -> str:
    if section == "compare" and isinstance(value, float):
        return f'"{value:.0%}"'
    if isinstance(value, tuple):
        return "[" + ", ".join(f'"{name}"' for name in value) + "]"
    return f'"{value}"' if isinstance(value, Policy) else str(value)
