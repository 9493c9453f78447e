"""Shows a comparison of two versions, or of more, as an HTML page, in Markdown and on a terminal.

Of more than two versions, it shows one table and one forest plot, then each version's comparison with the first.
`verdict.py` and `comparison_sections.py` describe the comparison of two.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd
from rich.console import Console

from katydid.model.documents.comparison import ComparedMetric, Comparison, Comparisons, Verdict
from katydid.model.formatting import change_text, fraction, plural
from katydid.model.metrics import Distribution, split_name, whole_name
from katydid.model.metrics.declared import Metric, catalogue_of
from katydid.model.oneline import one_line
from katydid.model.units import Unit
from katydid.model.version import __version__
from katydid.report import verdict
from katydid.report.charts import comparison_charts
from katydid.report.comparison_sections import METRIC, base_column, is_worse, prompts_section, sections, verdict_word
from katydid.report.model import Column, Section, Table
from katydid.report.render.forest import Change, draw_forest
from katydid.report.render.markdown import escaped, section_markdown
from katydid.report.render.page import render
from katydid.report.render.terminal import print_section, say

TONES = {
    **dict.fromkeys((Verdict.SLOWER, Verdict.MIXED, Verdict.INVALID), "bad"),
    **dict.fromkeys((Verdict.FASTER, Verdict.NO_DIFFERENCE), "good"),
}
_COLOURS = {"bad": "bold red", "good": "bold green", "": "bold yellow"}


def comparison_page(
    found: Comparison | Comparisons,
    base: Sequence[pd.DataFrame],
    new: Sequence[pd.DataFrame],
    reports: Mapping[str, str] | None = None,
    command: str = "",
) -> str:
    """The HTML page.

    Args:
        found: the comparison.
        base: samples with derived columns, one frame per run of the base that counts; none for several versions.
        new: the same for the new version.
        reports: links to the runs' own reports, by the runs' paths.
        command: the command that reproduces the page.
    """
    told, each = _tell(found, reports), found.comparisons if isinstance(found, Comparisons) else [found]
    within = each[0].settings.same_within
    band = f"Right of the line is slower. The band marks no difference: up to {fraction(within)} to either side."
    sides = (each[0].sides[0], *(comparison.sides[1] for comparison in each))
    return render(
        "compare.html",
        comparison_charts(told.names, base, new),
        [*told.sections, *prompts_section(told.names, base, new)],
        base=one_line(told.names[0]),
        new=one_line(told.names[1]),
        workload=one_line(each[0].workload or "comparison"),
        sentence=one_line(told.sentence),
        tone=told.tone,
        invalid=found.verdict is Verdict.INVALID,
        setting=[*told.counted, *dict.fromkeys(one_line(side.host) for side in sides if side.host)],
        reasons=told.reasons,
        forest=draw_forest(told.changes, within=within, note=band) if told.changes else None,
        definitions=list(dict.fromkeys(line for comparison in each for line in _definitions(comparison))),
        command=one_line(command),
        made_by=__version__,
    )


def _definitions(comparison: Comparison) -> list[tuple[str, str]]:
    """Labels and definitions of the comparison's metrics."""
    catalogue = catalogue_of(comparison)
    named = {split_name(whole_name(m.name))[0] for m in comparison.metrics}
    metrics: list[Distribution | Metric] = [*catalogue.distributions, *catalogue.of_the_run]
    return [(metric.label, metric.definition) for metric in metrics if metric.name in named]


def comparison_markdown(found: Comparison | Comparisons) -> str:
    """The comparison in Markdown, for a job summary or a pull request."""
    told = _tell(found)
    parts = [f"## {escaped(told.sentence)}", *(f"- {escaped(reason)}" for reason in told.reasons)]
    return "\n\n".join([*parts, *map(section_markdown, told.sections)]) + "\n"


def print_comparison(found: Comparison | Comparisons, console: Console) -> None:
    """Print the verdict, its reasons, and its sections; of several versions, only their common table."""
    told = _tell(found)
    say(console, told.sentence, _COLOURS[told.tone])
    for reason in told.reasons:
        say(console, reason, "yellow", indent="  ")
    for section in told.sections[: 1 if isinstance(found, Comparisons) else None]:
        print_section(section, console)


@dataclass(frozen=True, slots=True)
class _Told:
    """What is said of one comparison, or of several with the same base.

    Attributes:
        names: the base, and the other version or versions.
        tone: the colour of the verdict.
        changes: the rows of the forest plot.
        counted: how many runs were compared; nothing for several versions.
    """

    names: tuple[str, str]
    sentence: str
    tone: str
    reasons: list[str]
    sections: list[Section]
    changes: list[Change]
    counted: list[str]


def _tell(found: Comparison | Comparisons, reports: Mapping[str, str] | None = None) -> _Told:
    tone = TONES.get(found.verdict, "")
    if isinstance(found, Comparison):
        neutral = tone == "good" and verdict.exploratory_regression(found)
        runs = [plural(sum(run.counts for run in side.runs), "run") for side in reversed(found.sides)]
        return _Told(
            names=verdict.names(found),
            sentence=verdict.comparison_sentence(found),
            tone="" if neutral else tone,
            reasons=verdict.reasons(found),
            sections=sections(found, reports),
            changes=verdict.forest(found),
            counted=[" against ".join(runs)],
        )
    verdicts = (f"{each.version} {verdict.headline(each.verdict)}" for each in found.comparisons)
    return _Told(
        names=(_base(found), ", ".join(each.version for each in found.comparisons)),
        sentence=f"Against {_base(found)}: {', '.join(verdicts)}.",
        tone=tone,
        reasons=[
            text.rstrip(".")
            for each in found.comparisons
            for text in (
                verdict.comparison_sentence(each),
                *(f"{each.version}: {why}" for why in verdict.reasons(each)),
            )
        ],
        sections=[
            _together(found),
            *(
                replace(section, key=f"{section.key}-{place}", title=f"{each.version}: {section.title.lower()}")
                for place, each in enumerate(found.comparisons, 1)
                for section in sections(each, reports)
            ),
        ],
        changes=_changes(found),
        counted=[],
    )


# Several versions


def _base(found: Comparisons) -> str:
    return "+".join(found.comparisons[0].sides[0].versions)


_Row = dict[str, ComparedMetric]
"""One metric by version, for the versions that have it."""


def _together(found: Comparisons) -> Section:
    """The common table: one row per metric, one column per version."""
    rows: dict[str, _Row] = {}
    for each in found.comparisons:
        for metric in verdict.read_first(each):
            rows.setdefault(metric.name, {})[each.version] = metric
    columns: list[Column[_Row]] = [
        Column("Metric", lambda row: METRIC.of(_any(row))),
        Column(_base(found), lambda row: base_column("").of(_any(row)), Unit.COUNT),
        *(_version(each.version) for each in found.comparisons),
    ]
    share = fraction(found.comparisons[0].settings.family_alpha)
    family = (
        f"Each version is compared with {_base(found)}. All comparisons form one family: each is wrong for equal "
        f"versions in at most {share} of cases."
    )
    return Section("versions", "Versions", (family,), [Table("* primary metric", columns, list(rows.values()))])


def _any(row: _Row) -> ComparedMetric:
    """The metric of any version, since label and base value are the same for all."""
    return next(iter(row.values()))


def _version(version: str) -> Column[_Row]:
    def cell(row: _Row) -> str | None:
        metric = row.get(version)
        return f"{change_text(metric)}, {verdict_word(metric)}" if metric else None

    return Column(version, cell, bad=lambda row: version in row and is_worse(row[version]))


def _changes(found: Comparisons) -> list[Change]:
    """The rows of the forest plot, by metric and then by version."""
    rows: dict[str, list[Change]] = {}
    for each in found.comparisons:
        for change in verdict.forest(each):
            rows.setdefault(change.label, []).append(replace(change, label=f"{change.label}: {each.version}"))
    return [change for changes in rows.values() for change in changes]
