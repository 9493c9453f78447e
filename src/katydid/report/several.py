"""More than two versions on a page, in Markdown, and on a terminal: one table, one picture, then each by itself."""

from collections.abc import Iterator
from dataclasses import replace

from rich.console import Console

from katydid.model.declared import described
from katydid.model.documents.comparison import ComparedMetric, ComparedSide, Comparisons, Verdict
from katydid.model.formatting import change_text, fraction, strip_control_chars
from katydid.model.version import __version__
from katydid.report import verdict
from katydid.report.comparison import COLOURS, TONES, definitions, forest_note
from katydid.report.model import Section, Table
from katydid.report.render.forest import Change, draw_forest
from katydid.report.render.markdown import escaped, section_markdown
from katydid.report.render.page import render
from katydid.report.render.terminal import print_section, say


def several_page(found: Comparisons) -> str:
    """The page."""
    first = found.comparisons[0]
    within = first.settings.same_within
    changes = list(_changes(found))
    explained = [line for comparison in found.comparisons for line in definitions(comparison)]
    return render(
        "compare.html",
        [],
        [_together(found), *_each(found)],
        base=strip_control_chars(_base(found)),
        new=strip_control_chars(", ".join(each.version for each in found.comparisons)),
        workload=strip_control_chars(first.workload or "comparison"),
        sentence=strip_control_chars(several_sentence(found)),
        tone=TONES.get(found.verdict, ""),
        invalid=found.verdict is Verdict.INVALID,
        setting=[strip_control_chars(side.host) for side in (first.sides[0], *_sides(found)) if side.host],
        reasons=_reasons(found),
        forest=draw_forest(changes, within=within, note=forest_note(within)) if changes else None,
        definitions=list(dict.fromkeys(explained)),
        made_by=__version__,
    )


def several_markdown(found: Comparisons) -> str:
    """The same for a job summary or a pull request."""
    parts = [f"## {escaped(several_sentence(found))}", *(f"- {escaped(reason)}" for reason in _reasons(found))]
    parts += [section_markdown(section) for section in (_together(found), *_each(found))]
    return "\n\n".join(parts) + "\n"


def print_several(found: Comparisons, console: Console) -> None:
    """What they say together, on a terminal."""
    say(console, several_sentence(found), COLOURS[TONES.get(found.verdict, "")])
    for reason in _reasons(found):
        say(console, reason, "yellow", indent="  ")
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
    """Each version's own sentence, and what must be said of it."""
    return [
        text.rstrip(".")
        for each in found.comparisons
        for text in (verdict.comparison_sentence(each), *(f"{each.version}: {why}" for why in verdict.reasons(each)))
    ]


def _together(found: Comparisons) -> Section:
    """One row a metric, one column a version."""
    by_name = [{metric.name: metric for metric in verdict.read_first(each)} for each in found.comparisons]
    names = list(dict.fromkeys(name for metrics in by_name for name in metrics))
    columns = ("Metric", _base(found), *(each.version for each in found.comparisons))
    rows: list[tuple[str, ...]] = []
    bad = set()
    for name in names:
        cells = [metrics.get(name) for metrics in by_name]
        known = next(cell for cell in cells if cell is not None)
        label = described(known).label + (" *" if known.primary else "")
        bad |= {(len(rows), 2 + i) for i, cell in enumerate(cells) if cell and cell.verdict is Verdict.SLOWER}
        rows.append((label, verdict.base_text(known), *map(_cell, cells)))
    share = fraction(found.comparisons[0].settings.family_alpha)
    family = (
        f"Each version is compared with {_base(found)}. All comparisons are one family: each is wrong about equal "
        f"versions in at most {share} of cases."
    )
    table = Table("* primary metric", columns, rows, frozenset(range(2, len(columns))), frozenset(bad))
    return Section("versions", "Versions", (family,), tables=[table])


def _cell(metric: ComparedMetric | None) -> str:
    return "–" if metric is None else f"{change_text(metric)}, {verdict.verdict_word(metric)}"


def _each(found: Comparisons) -> Iterator[Section]:
    """Each comparison's own sections, which are called by its version."""
    for place, each in enumerate(found.comparisons, 1):
        for section in verdict.sections(each):
            yield replace(section, key=f"{section.key}-{place}", title=f"{each.version}: {section.title.lower()}")


def _changes(found: Comparisons) -> Iterator[Change]:
    """The rows of the picture: each metric's changes, version below version."""
    rows: dict[str, list[Change]] = {}
    for each in found.comparisons:
        for change in verdict.forest(each):
            rows.setdefault(change.label, []).append(replace(change, label=f"{change.label}: {each.version}"))
    for changes in rows.values():
        yield from changes
