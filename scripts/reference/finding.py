"""The reference pages on metrics, errors, files and their columns, validity rules, and thresholds."""

from collections.abc import Iterable
from dataclasses import fields
from itertools import starmap
from typing import Any

from asking import also, parent_of
from cells import code, described, described_by_all, first_sentence, table, text, unit

from katydid.analysis.calibration import LIMITS
from katydid.analysis.configuration import CONFIG_STATUSES
from katydid.analysis.validity import RULES
from katydid.doctor.checks import CHECKS
from katydid.gate.thresholds import ASKED, SECTIONS, Policy, Thresholds
from katydid.model.documents.comparison import CompareSettings
from katydid.model.errors import PRECEDENCE, ExitCode
from katydid.model.metrics import METRICS, STATISTICS
from katydid.model.sample import ErrorClass, Sample
from katydid.model.workload import WORKLOADS, Workload
from katydid.resources import resource_folder, shipped_workloads
from katydid.runs import folder
from katydid.runs.gaps import GapRow
from katydid.runs.rows import EventRow, MonitorRow, record_schema, sample_schema
from katydid.workloads import user_class

_ONE = ".p50"
"""A statistic that every distribution has."""


def metrics() -> str:
    """The page of the metrics of summary.json."""
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

Names of metrics in `summary.json`, in thresholds files and in all reports. Only requests outside the warm-up and before
the stop count.

## Distributions

These are computed from successful requests. The name of a metric is a name from this table and a statistic, such as
`ttft.p95`. A workload without the column lacks the metric. If requests timed out or were aborted, `censored` in
`summary.json` has the values in which each of them counts as having taken at least as long as it lasted. Reports,
objectives and comparisons use those values.

{table(head, distributions)}
A statistic needs at least this many requests, so that with 99 % confidence the sample reaches beyond it (MLPerf
LoadGen's binomial rule). With fewer, reports show “too few”.

{table(["statistic", "requests"], ([code("." + s.name), str(s.fewest)] for s in STATISTICS))}
## Figures of the whole run

{table(head, rates)}{"".join(map(_declared, filter(lambda w: w.metrics, WORKLOADS.values())))}"""


def _declared(workload: Workload) -> str:
    """Return the section on the metrics of one workload."""
    rows = [[code(m.name), text(m.label), m.read, unit(m.unit), m.better, text(m.definition)] for m in workload.metrics]
    return f"""
## Metrics of `{workload.name}`

{table(["name", "label", "kind", "unit", "better", "definition"], rows)}"""


def listed(values: Iterable[int]) -> str:
    """List numbers in words, such as `400, 401 or 403`."""
    *most, last = map(str, sorted(values))
    return f"{', '.join(most)} or {last}"


def errors() -> str:
    """The page of error classes with their blame, and exit codes."""
    said, codes = described(ErrorClass), described(ExitCode)
    order = ", ".join(str(int(code)) for code in PRECEDENCE)
    return f"""\
# Errors and exit codes

## Error classes

Every failed row has an error class (`error`), which determines whose fault it is (`blame`). Failures of the generator
or the configuration make a run invalid. The class of each fault: [forty faults](../faults.md).

One case only shows in the whole run: if every answer was a refusal with {listed(CONFIG_STATUSES)}, the configuration is
to blame. `errors` in `summary.json`, the report and the headline then say so, and what to check. The rows keep the
blame that was known when they were written, and the run is valid, but failed.

{table(["error", "blame", "meaning"], ([code(e), code(e.blame), text(said[e.name])] for e in ErrorClass))}
## Exit codes

All commands use these codes. If several apply, the first in this order is used: {order}.
A gate whose objective for `failure_rate` is violated exits with 1, even if no request succeeded and other values are
missing; it exits with 4 if the failures may be the generator's. An interruption that aborts requests makes a run
invalid, but its exit code is 130.

{table(["code", "meaning"], ([code(int(e)), text(codes[e.name])] for e in ExitCode))}"""


_FILES = {
    folder.REPORT: "the report: one page that needs no network, and JavaScript only to zoom",
    folder.SUMMARY: "[metrics](metrics.md), counts, errors, and whether the run is valid: [its keys](json.md)",
    folder.MANIFEST: "configuration and environment of the run, and how it ended; comparisons check them",
    folder.LOCUST_REPORT: "Locust's own report",
    "samples.parquet": "one row per request",
}
_RECORDS = {"monitor": MonitorRow, "events": EventRow, "gaps": GapRow}


def files() -> str:
    """The page of a run folder's files, and the columns of its tables."""
    said = described(Sample) | {
        "outcome": "`ok`, `failed`, `aborted` (the run ended first) or `abandoned` (the client left on purpose)",
        "blame": "whose fault a failure is: `target`, `generator` or `config`",
        "error": "error class of a failure",
    }
    known = _FILES | {f"{kind}.parquet": text(first_sentence(record)) for kind, record in _RECORDS.items()}
    return f"""\
# Files of a run

`RESULTS/WORKLOAD/VERSION/YYYYMMDDTHHMMSSZ/`, in UTC, with a suffix `-2` … where that exists.

{table(["file", "content"], ([code(name), what] for name, what in known.items()))}
`RESULTS/index.html` lists all runs by workload and version, with headline and link; every report updates it. Katydid
does not overwrite a page or a link of that name that it did not write.

During a run, and if a run does not finish, the tables are `*.rows`, which `katydid report` can read.

## samples.parquet

Times are milliseconds on the monotonic clock from the run's start; null, never 0, if something did not happen. Rows
with `after_stop` or `warm_up` count in no statistic. Values of `error`: [error classes](errors.md).

{_columns(sample_schema(), said)}
{"".join(map(_added_columns, shipped_workloads()))}{"".join(starmap(_table, _RECORDS.items()))}"""


def _table(kind: str, record: type) -> str:
    return f"## {kind}.parquet\n\n{_columns(record_schema(record), described(record))}\n"


def _added_columns(workload: str) -> str:
    user, parent = user_class(workload), parent_of(workload)
    said = described_by_all(user, "Columns")
    known = parent.extra_columns if parent else {}
    own = {column: kind for column, kind in user.extra_columns.items() if column not in known}
    if not own:
        return f"### {workload}\n\nThose of `{parent.workload}`.\n\n" if known else ""
    return f"### {workload}\n\n{also(parent)}{_columns(list(sample_schema(own))[len(sample_schema()) :], said)}\n"


def _columns(schema: Iterable[Any], said: dict[str, str]) -> str:
    """Return a table of columns; raises KeyError for a column that no docstring describes."""
    kinds = {"double": "float64"}
    rows = [[code(c.name), kinds.get(str(c.type), str(c.type)), text(said[c.name])] for c in schema]
    return table(["column", "type", "meaning"], rows)


def validity() -> str:
    """The page of the rules for valid runs, for the machine, and for the instrument's own errors."""
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
# Validity rules

## Of a run

A violated rule makes the run invalid (exit code 4), or is a warning. The report names the rule and says what to do. Why
there are such rules: [what invalid means](../explanation/measuring.md).

{table(["rule", "limit", "why", "workloads"], rules)}
## Of a machine

`katydid doctor` checks these before a run.

{table(["check", "limit", "why", "blame"], checks)}
## Of the instrument

`katydid calibrate` reports whether measurements are faithful by these limits.

{table(["error", "limit", "why"], limits)}"""


def thresholds() -> str:
    """The page of the keys of a thresholds file."""
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

`katydid gate`, `katydid capacity` and the workload `scale` judge by such a file. Unknown sections, keys and metrics are
errors. `katydid gate --thresholds FILE --only-read` checks a file.

## `[objective]`

Any [metric](metrics.md) and its limit, such as `"ttft.p95" = "< 1.5s"`, with `<`, `<=`, `>` or `>=`. A request that
timed out or was aborted counts as at least the time that it lasted. So a value among such requests can violate an upper
limit, but never meets one.

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
