"""Shows a comparison as an HTML page, in Markdown and on a terminal; `verdict.py` has the words."""

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd
from rich.console import Console

from katydid.model.documents.comparison import Comparison, Verdict
from katydid.model.formatting import fraction, plural
from katydid.model.metrics import split_name, whole_name
from katydid.model.metrics.declared import catalogue_of
from katydid.model.oneline import one_line
from katydid.model.version import __version__
from katydid.report import verdict
from katydid.report.charts.comparison import comparison_charts
from katydid.report.model import Section
from katydid.report.render.forest import draw_forest
from katydid.report.render.markdown import escaped, section_markdown
from katydid.report.render.page import render
from katydid.report.render.terminal import print_section, say
from katydid.report.tables.comparison import prompts_section

TONES = {
    **dict.fromkeys((Verdict.SLOWER, Verdict.MIXED, Verdict.INVALID), "bad"),
    **dict.fromkeys((Verdict.FASTER, Verdict.NO_DIFFERENCE), "good"),
}
_COLOURS = {"bad": "bold red", "good": "bold green", "": "bold yellow"}


def comparison_page(
    comparison: Comparison,
    base: Sequence[pd.DataFrame],
    new: Sequence[pd.DataFrame],
    reports: Mapping[str, str] | None = None,
    command: str = "",
) -> str:
    """The HTML page.

    Args:
        comparison: the comparison.
        base: samples with derived columns, one frame per run of the base that counts.
        new: the same for the new version.
        reports: links to the runs' own reports, by the runs' paths.
        command: the command that reproduces the page.
    """
    names = verdict.names(comparison)
    changes = verdict.forest(comparison)
    within = comparison.settings.same_within
    return render(
        "compare.html",
        comparison_charts(names, base, new),
        [*verdict.sections(comparison, reports), *prompts_section(names, base, new)],
        base=one_line(names[0]),
        new=one_line(names[1]),
        workload=one_line(comparison.workload or "comparison"),
        sentence=one_line(verdict.comparison_sentence(comparison)),
        tone=_tone(comparison),
        invalid=comparison.verdict is Verdict.INVALID,
        setting=[
            _counted(comparison),
            *dict.fromkeys(one_line(side.host) for side in comparison.sides if side.host),
        ],
        reasons=verdict.reasons(comparison),
        forest=draw_forest(changes, within=within, note=forest_note(within)) if changes else None,
        definitions=definitions(comparison),
        command=one_line(command),
        made_by=__version__,
    )


def forest_note(within: float) -> str:
    """The note below the forest plot; `within` is the fraction that counts as no difference."""
    return f"Right of the line is slower. The band marks no difference: up to {fraction(within)} to either side."


def definitions(comparison: Comparison) -> list[tuple[str, str]]:
    """Labels and definitions of the comparison's metrics."""
    catalogue = catalogue_of(comparison)
    named = {split_name(whole_name(m.name))[0] for m in comparison.metrics}
    explained = [(d.label, d.definition) for d in catalogue.distributions if d.name in named]
    return [*explained, *((m.label, m.definition) for m in catalogue.of_the_run if m.name in named)]


def comparison_markdown(comparison: Comparison) -> str:
    """The comparison in Markdown, for a job summary or a pull request."""
    return in_markdown(
        verdict.comparison_sentence(comparison), verdict.reasons(comparison), verdict.sections(comparison)
    )


def in_markdown(sentence: str, reasons: Iterable[str], sections: Iterable[Section]) -> str:
    """A verdict as a heading, its reasons as a list, and its sections."""
    parts = [f"## {escaped(sentence)}", *(f"- {escaped(reason)}" for reason in reasons)]
    return "\n\n".join([*parts, *map(section_markdown, sections)]) + "\n"


def print_comparison(comparison: Comparison, console: Console) -> None:
    """Print the comparison on a terminal."""
    print_verdict(console, verdict.comparison_sentence(comparison), _tone(comparison), verdict.reasons(comparison))
    for section in verdict.sections(comparison):
        print_section(section, console)


def print_verdict(console: Console, sentence: str, tone: str, reasons: Iterable[str]) -> None:
    """Print a verdict in its colour, and its reasons."""
    say(console, sentence, _COLOURS[tone])
    for reason in reasons:
        say(console, reason, "yellow", indent="  ")


def _tone(comparison: Comparison) -> str:
    """The colour of the verdict; a good one becomes neutral if an exploratory metric got worse."""
    tone = TONES.get(comparison.verdict, "")
    return "" if tone == "good" and verdict.exploratory_regression(comparison) else tone


def _counted(comparison: Comparison) -> str:
    runs = [sum(run.counts for run in side.runs) for side in comparison.sides]
    return " against ".join(plural(count, "run") for count in reversed(runs))
