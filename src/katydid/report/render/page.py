"""The shell of every HTML report: one file, no network, complete without a script.

Jinja2 escapes everything that comes from a run. The only scripts that the page's policy lets run are
ours, by their hashes, so that a text of the target that got through as markup would still do nothing;
and no request can leave the page. Knows no run: that is its callers' business.
"""

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from katydid.model import formatting
from katydid.model.jsontext import json_text
from katydid.report.model import Chart, Section
from katydid.report.render.svg import draw

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


def render(template: str, charts: Sequence[Chart], sections: Sequence[Section] = (), **context: object) -> str:
    """A page from a template that extends `page.html`.

    Args:
        template: its name.
        charts: drawn in the order given, as `pictures`; a reader with JavaScript can explore them.
        sections: what only some pages have; their charts are drawn where they stand.
        context: everything else that the template names; its texts are escaped there.
    """
    every = [*charts, *(chart for section in sections for chart in section.charts)]
    scripts = _scripts() if every else ()
    allowed = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    return (
        _environment()
        .get_template(template)
        .render(
            pictures=[draw(chart) for chart in charts],
            sections=sections,
            chart_data=_json({chart.key: chart.data() for chart in every if chart.rows is None}),
            scripts=scripts,
            policy=f"{POLICY}; script-src {allowed}" if scripts else POLICY,
            **context,
        )
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("katydid.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "show": formatting.show,
        "label_of": formatting.label_of,
        "censored": formatting.censored,
        "milliseconds": formatting.milliseconds,
        "fraction": formatting.fraction,
        "number": formatting.number,
        "plural": formatting.plural,
        "draw": draw,
    }
    environment.filters["strip_control_chars"] = formatting.strip_control_chars
    return environment


@cache
def _scripts() -> tuple[Markup, ...]:
    """ECharts as it was published, and ours on top of it."""
    package = files("katydid.report")
    return tuple(
        Markup(package.joinpath(folder, name).read_text(encoding="utf-8"))  # noqa: S704 - our own files
        for folder, name in (("vendor", "echarts.min.js"), ("templates", "explore.js"))
    )


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")


def _json(value: object) -> Markup:
    """JSON that cannot end the element that it stands in."""
    text = json_text(value, indent=None, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 - escaped just now
