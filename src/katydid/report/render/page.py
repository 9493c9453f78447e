"""Renders the HTML reports: one file each, without network access, complete without JavaScript.

Jinja2 escapes everything that comes from a run. The page's Content Security Policy allows only Katydid's own script, by
its hash, so that injected markup could not run; and it blocks all requests. Knows no run.
"""

import base64
import hashlib
import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from katydid.model.formatting import plural
from katydid.model.oneline import one_line
from katydid.report.model import Chart, Section, is_number
from katydid.report.render.svg import draw

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


def render(template: str, charts: Sequence[Chart], sections: Sequence[Section] = (), **context: object) -> str:
    """Render a template that extends `page.html`.

    Args:
        template: name of the template.
        charts: charts for the template's `pictures`; JavaScript adds zoom and tooltips.
        sections: sections, which are drawn with their own charts.
        context: everything else that the template uses; its texts are escaped there.
    """
    script, policy = _script() if charts or any(section.charts for section in sections) else (None, POLICY)
    return (
        _environment()
        .get_template(template)
        .render(
            pictures=[draw(chart) for chart in charts],
            sections=sections,
            script=script,
            policy=policy,
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
    environment.globals |= {"plural": plural, "draw": draw}
    environment.tests["plain_number"] = is_number
    environment.filters |= {
        "one_line": one_line,
        "with_commands": _with_commands,
        "whole_options": _whole_options,
        "whole_words": _whole_words,
    }
    return environment


_COMMAND = re.compile(r"`([^`]+)`")
_WORD = r"(?:'[^']*'|[^\s'])+"
"""A word of a shell command; a quoted one may contain spaces."""
_OPTION_AND_VALUE = re.compile(rf"--?[a-z]{_WORD}(?: (?!-){_WORD})?|{_WORD}")
_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")


def _with_commands(text: str) -> Markup:
    """A sentence with text between backquotes as code."""
    return Markup(_COMMAND.sub(r"<code>\1</code>", str(_whole_options(text))))  # noqa: S704 - escaped


def _whole_options(text: str) -> Markup:
    """A sentence whose options are not broken at their hyphens."""
    return Markup(_OPTION.sub(r'<span class="whole">\g<0></span>', str(escape(text))))  # noqa: S704 - escaped


def _whole_words(command: str) -> Markup:
    """A command in which an option and its value stay on one line if they fit."""
    whole = (f"<span>{_whole_options(words)}</span>" for words in _OPTION_AND_VALUE.findall(command))
    return Markup(" ".join(whole))  # noqa: S704 - escaped


@cache
def _script() -> tuple[Markup, str]:
    """The script of pages with charts, and a policy that allows it."""
    text = files("katydid.report").joinpath("templates", "charts.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
    return Markup(text), f"{POLICY}; script-src 'sha256-{digest}'"  # noqa: S704 - our own file
