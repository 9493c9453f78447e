"""Fills Locust's start form with the last start's values, and shows only the options of the chosen API.

By itself, Locust fills the form from the command line at each page load, whatever was started since: the next run
would silently have a different load.
"""

import re
from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from katydid.engine.live.web import Page
from katydid.engine.options import SHOWN
from katydid.engine.options.parsing import headings, known_options, options_of_apis
from katydid.model.errors import ConfigError
from katydid.model.options import flag_of

LONGEST_HELP = 60
"""Characters of help beside an option's name; the whole help is in `katydid run --help`."""
_PREFIX = re.compile(r"^(?:api )?\S+: ")
"""The API or workload that an option belongs to, in front of its help."""
_CLAUSE_END = re.compile(r"[:;,] | \(")


def offer_last_start(web_ui: Page, parsed: Namespace) -> None:
    """Fill the form with the values of the last start; before the first, with those of the command line.

    Args:
        web_ui: Locust's web UI.
        parsed: options of the process, which Locust updates from its form.
    """
    from_command_line = web_ui.update_template_args

    def update() -> None:
        from_command_line()
        fields: Any = web_ui.template_args["extra_options"]
        web_ui.template_args |= {"extra_options": offered(fields, parsed), "user_count": parsed.num_users}

    web_ui.app.jinja_env.policies["json.dumps_kwargs"] = {"sort_keys": False}  # keep the order of `offered`
    web_ui.update_template_args = update


def offered(fields: Mapping[str, dict[str, Any]], parsed: Namespace) -> dict[str, dict[str, Any]]:
    """The form's fields: Katydid's in the order of `katydid run --help`, then all others.

    Args:
        fields: Locust's fields, by the names of their options.
        parsed: options of the process.
    """
    known = known_options()
    ours = [name for names in headings().values() for name in names if name in fields]
    hidden = of_other_apis(parsed.api)
    form = {}
    for name in dict.fromkeys((*ours, *fields)):
        if name in hidden:
            continue
        field = dict(fields[name])
        if not field["is_secret"]:
            field["default_value"] = _shown(name, getattr(parsed, name))
        if name in known:
            field["help_text"] = short_help(known[name])
        form[name] = field
    return form


def of_other_apis(api: str) -> set[str]:
    """Names of the options that belong to other APIs than this one."""
    brought = {name: {option.name for option in options} for name, options in options_of_apis().items()}
    return set().union(*brought.values()) - brought.get(api, set())


def short_help(option: Any) -> str:
    """A few words of an option's help to show beside its name; empty if the name or the choices are enough."""
    name, text = option.name.replace("_", " "), option.metadata["help"]
    if option.metadata["choices"]:
        return ""
    clauses = [_CLAUSE_END.split(each)[0] for each in (_PREFIX.sub("", text, count=1), text)]
    return next((clause for clause in clauses if len(clause) <= LONGEST_HELP and clause != name), "")


def _shown(name: str, value: Any) -> Any:
    return SHOWN[name](value) if value and name in SHOWN else value


def with_hidden(form: Mapping[str, str], parsed: Namespace, host: str | None) -> dict[str, str]:
    """Put back the secrets that the form could not show: it returns the text shown in their place.

    Args:
        form: as the page sent it.
        parsed: options of the process.
        host: the last start's target, the only one that may receive the secrets.

    Raises:
        ConfigError: the form is for another target.
    """
    whole = dict(form)
    for name in form.keys() & SHOWN.keys():
        kept = getattr(parsed, name)
        if not kept or form[name] == kept or form[name] != _shown(name, kept):
            continue
        if form.get("host", host) != host:
            raise ConfigError(f"{flag_of(known_options()[name])} has a secret for {host} only: enter it again")
        whole[name] = kept
    return whole
