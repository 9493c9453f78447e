"""The shell of every HTML report: one file, no network, complete without a script.

Jinja2 escapes everything that comes from a run. The only script that the page's policy lets run is
ours, by its hash, so that a text of the target that got through as markup would still do nothing;
and no request can leave the page. Knows no run: that is its callers' business.
"""

import base64
import hashlib
import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from katydid.model import formatting
from katydid.model.oneline import one_line
from katydid.report.model import Chart, Section
from katydid.report.render.svg import draw

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


def render(template: str, charts: Sequence[Chart], sections: Sequence[Section] = (), **context: object) -> str:
    """A page from a template that extends `page.html`.

    Args:
        template: its name.
        charts: drawn in the order given, as `pictures`; a reader with JavaScript can zoom and point.
        sections: what only some pages have; their charts are drawn where they stand.
        context: everything else that the template names; its texts are escaped there.
    """
    every = [*charts, *(chart for section in sections for chart in section.charts)]
    script = _script() if every else None
    return (
        _environment()
        .get_template(template)
        .render(
            pictures=[draw(chart) for chart in charts],
            sections=sections,
            script=script,
            policy=f"{POLICY}; script-src 'sha256-{_digest(script)}'" if script else POLICY,
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
    environment.filters["one_line"] = one_line
    environment.filters["with_commands"] = _with_commands
    environment.filters["whole_options"] = _whole_options
    environment.filters["whole_words"] = _whole_words
    return environment


_COMMAND = re.compile(r"`([^`]+)`")
_WORD = r"(?:'[^']*'|[^\s'])+"
"""A word of a shell command; a quoted one may hold spaces."""
_OPTION_AND_VALUE = re.compile(rf"--?[a-z]{_WORD}(?: (?!-){_WORD})?|{_WORD}")
_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")


def _with_commands(text: str) -> Markup:
    """A sentence, with what stands between its backquotes as code."""
    return Markup(_COMMAND.sub(r"<code>\1</code>", str(_whole_options(text))))  # noqa: S704 - escaped


def _whole_options(text: str) -> Markup:
    """A sentence whose options stand on one line each: a browser breaks at their hyphens."""
    return Markup(_OPTION.sub(r'<span class="whole">\g<0></span>', str(escape(text))))  # noqa: S704 - escaped


def _whole_words(command: str) -> Markup:
    """A command in which each option stays on a line with its value, as long as they fit."""
    whole = (f"<span>{_whole_options(words)}</span>" for words in _OPTION_AND_VALUE.findall(command))
    return Markup(" ".join(whole))  # noqa: S704 - escaped


@cache
def _script() -> Markup:
    text = files("katydid.report").joinpath("templates", "charts.js").read_text(encoding="utf-8")
    return Markup(text)  # noqa: S704 - our own file


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
