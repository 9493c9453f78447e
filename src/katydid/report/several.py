"""Shows a comparison of more than two versions: one table and one forest plot, then each version's comparison."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from rich.console import Console

from katydid.model.documents.comparison import ComparedMetric, ComparedSide, Comparisons, Verdict
from katydid.model.formatting import change_text, fraction
from katydid.model.oneline import one_line
from katydid.model.units import Unit
from katydid.model.version import __version__
from katydid.report import verdict
from katydid.report.comparison import TONES, definitions, forest_note, in_markdown, print_verdict
from katydid.report.model import Column, Section, Table
from katydid.report.render.forest import Change, draw_forest
from katydid.report.render.page import render
from katydid.report.render.terminal import print_section
from katydid.report.tables.comparison import METRIC, base_column, is_worse, verdict_word


def several_page(found: Comparisons, reports: Mapping[str, str] | None = None, command: str = "") -> str:
    """The HTML page.

    Args:
        found: the comparisons.
        reports: links to the runs' own reports, by the runs' paths.
        command: the command that reproduces the page.
    """
    first = found.comparisons[0]
    within = first.settings.same_within
    changes = list(_changes(found))
    explained = [line for comparison in found.comparisons for line in definitions(comparison)]
    return render(
        "compare.html",
        [],
        [_together(found), *_each(found, reports)],
        base=one_line(_base(found)),
        new=one_line(", ".join(each.version for each in found.comparisons)),
        workload=one_line(first.workload or "comparison"),
        sentence=one_line(several_sentence(found)),
        tone=TONES.get(found.verdict, ""),
        invalid=found.verdict is Verdict.INVALID,
        setting=list(dict.fromkeys(one_line(side.host) for side in (first.sides[0], *_sides(found)) if side.host)),
        reasons=_reasons(found),
        forest=draw_forest(changes, within=within, note=forest_note(within)) if changes else None,
        command=one_line(command),
        definitions=list(dict.fromkeys(explained)),
        made_by=__version__,
    )


def several_markdown(found: Comparisons) -> str:
    """The comparisons in Markdown, for a job summary or a pull request."""
    return in_markdown(several_sentence(found), _reasons(found), (_together(found), *_each(found)))


def print_several(found: Comparisons, console: Console) -> None:
    """Print the verdicts and the common table on a terminal."""
    print_verdict(console, several_sentence(found), TONES.get(found.verdict, ""), _reasons(found))
    print_section(_together(found), console)


def several_sentence(found: Comparisons) -> str:
    """The verdicts in one sentence."""
    told = (f"{each.version} {verdict.HEADLINES[each.verdict]}" for each in found.comparisons)
    return f"Against {_base(found)}: {', '.join(told)}."


def _base(found: Comparisons) -> str:
    return "+".join(found.comparisons[0].sides[0].versions)


def _sides(found: Comparisons) -> list[ComparedSide]:
    return [each.sides[1] for each in found.comparisons]


def _reasons(found: Comparisons) -> list[str]:
    """Each version's sentence and reasons."""
    return [
        text.rstrip(".")
        for each in found.comparisons
        for text in (verdict.comparison_sentence(each), *(f"{each.version}: {why}" for why in verdict.reasons(each)))
    ]


def _together(found: Comparisons) -> Section:
    """The common table: one row per metric, one column per version."""
    by_name = [{metric.name: metric for metric in verdict.read_first(each)} for each in found.comparisons]
    names = list(dict.fromkeys(name for metrics in by_name for name in metrics))
    rows = [
        {
            each.version: metrics[name]
            for each, metrics in zip(found.comparisons, by_name, strict=True)
            if name in metrics
        }
        for name in names
    ]
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
    table = Table("* primary metric", columns, rows)
    return Section("versions", "Versions", (family,), tables=[table])


_Row = dict[str, ComparedMetric]
"""One metric by version, for the versions that have it."""


def _any(row: _Row) -> ComparedMetric:
    """The metric of any version, since label and base value are the same for all."""
    return next(iter(row.values()))


def _version(version: str) -> Column[_Row]:
    def cell(row: _Row) -> str | None:
        metric = row.get(version)
        return f"{change_text(metric)}, {verdict_word(metric)}" if metric else None

    return Column(version, cell, bad=lambda row: version in row and is_worse(row[version]))


def _each(found: Comparisons, reports: Mapping[str, str] | None = None) -> Iterator[Section]:
    """The sections of each comparison, titled with its version."""
    for place, each in enumerate(found.comparisons, 1):
        for section in verdict.sections(each, reports):
            yield replace(section, key=f"{section.key}-{place}", title=f"{each.version}: {section.title.lower()}")


def _changes(found: Comparisons) -> Iterator[Change]:
    """The rows of the forest plot, by metric and then by version."""
    rows: dict[str, list[Change]] = {}
    for each in found.comparisons:
        for change in verdict.forest(each):
            rows.setdefault(change.label, []).append(replace(change, label=f"{change.label}: {each.version}"))
    for changes in rows.values():
        yield from changes
