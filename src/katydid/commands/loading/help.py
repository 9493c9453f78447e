"""The text of `katydid run --help`: the most used options, then Katydid's by group, then how to list Locust's.

All options come from Locust's parser, which has Katydid's and its own; this module only arranges them.
"""

import argparse
import re
import shutil
import textwrap
from collections.abc import Iterator, Sequence

from katydid.model.options import Group

MOST_USED = (
    "host", "num_users", "interval", "rate", "concurrency", "run_time", "model", "body", "prompts", "input_tokens",
    "output_tokens", "failure_threshold", "version_label",
)  # fmt: skip
_IN_SHORT = {
    "interval": "seconds between the request starts of a user",
    "rate": "open loop: requests/s, however long answers take",
    "concurrency": "closed loop with this many users",
    "body": "a field of every request's body, KEY=VALUE; repeatable",
    "prompts": "file of prompts or conversations",
    "input_tokens": "generate prompts of this length, such as normal(1000,200)",
    "output_tokens": "request answers of this length",
}
"""Short help of options on the first screen, before their default; their group below has the full help."""

_SEARCHED = {"num_users", "run_time", "rate", "concurrency"}
"""Options whose values a capacity search chooses itself."""

OURS = "Katydid: "
_LOCUSTS = {
    "host": "base URL of the target, with or without /v1, or a full endpoint path; several: comma-separated, or "
    "repeated (default: none; LOCUST_HOST)",
    "num_users": "number of users (default: {users}; LOCUST_USERS)",
    "run_time": "how long the load lasts, such as 90s or 8m (default: until Ctrl-C; LOCUST_RUN_TIME)",
}
"""Katydid's help for the options of Locust that nearly every run needs."""
_INDENT, _GAP, _MOST_WIDTH = 2, 2, 110


def run_help(
    parser: argparse.ArgumentParser, locusts: argparse.ArgumentParser, workload: str | None, default_users: int | None
) -> str:
    """The whole help text.

    Args:
        parser: the command's own parser, with its usage, description and example.
        locusts: Locust's parser, with Locust's and Katydid's options.
        workload: the workload whose own options are shown; None if none was given.
        default_users: the workload's default number of users; None without a workload.
    """
    from katydid.engine.options.parsing import headings

    actions = {action.dest: action for action in locusts._actions}  # noqa: SLF001 - argparse has no list of them
    users = default_users or "the workload's own"
    mine = parser._actions  # noqa: SLF001
    own = [action for action in mine if action.option_strings and action.help not in {None, argparse.SUPPRESS}]
    groups = headings()
    rest = groups.pop(Group.OWN)

    def rows(names: Sequence[str], *, short: bool = False) -> Iterator[tuple[str, str]]:
        for name in names:
            if name in _LOCUSTS:
                yield _flags(actions[name]), _LOCUSTS[name].format(users=users)
            elif name in actions:
                whole = _meaning(actions[name])
                told = _IN_SHORT.get(name) if short else None
                default = "(default" + whole.rpartition("(default")[2].replace(") (", "; ")
                yield _flags(actions[name]), f"{told} {default}" if told else whole

    searches = "start_users" in actions
    most_used = [name for name in MOST_USED if not (searches and name in _SEARCHED)]
    command = parser.prog.removeprefix("katydid ")
    title = f"Options of {command if searches or workload is None else workload}"
    common = ("Most used", [*rows(most_used, short=True), *((_flags(action), action.help or "") for action in own)])
    sections = [
        ("", [(str(action.metavar), action.help or "") for action in mine if not action.option_strings]),
        *([(title, list(rows(rest))), common] if searches else [common, (title, list(rows(rest)))]),
        *((title, list(rows(names))) for title, names in groups.items()),
    ]
    width = _width()
    ending = [
        "",
        "Each option can also be set by the environment variable shown, or in locust.conf.",
        *([] if workload else [f"Options of a workload: {parser.prog} WORKLOAD --help"]),
        f"Locust's options (--processes, --csv, --tags …): {parser.prog} --help-locust",
        parser.epilog or "",
    ]
    lines = [parser.format_usage().rstrip(), "", *textwrap.wrap(parser.description or "", width)]
    lines += [line for title, found in sections if found for line in _section(title, found, width)]
    return "\n".join(lines + [each for line in ending for each in _whole_words(line, width, _INDENT)])


def locust_help(locusts: argparse.ArgumentParser) -> str:
    """Locust's help for its own options, with long lines wrapped."""
    for action in locusts._actions:  # noqa: SLF001 - argparse has no list of them
        if (action.help or "").startswith(OURS):
            action.help = argparse.SUPPRESS
    told, width = locusts.format_help().partition("\n\n")[2], _width()
    return "\n".join(each for line in told.splitlines() for each in _whole_words(line, width))


def _width() -> int:
    return min(shutil.get_terminal_size().columns, _MOST_WIDTH)


def _whole_words(line: str, width: int, more: int = 0) -> list[str]:
    """Wrap a line to the width, keeping its indent plus `more` columns; words and addresses are never broken."""
    indent = " " * (len(line) - len(line.lstrip()) + more)
    return textwrap.wrap(line, width, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False) or [""]


def _flags(action: argparse.Action) -> str:
    names = ", ".join(sorted(action.option_strings, key=len))
    if action.nargs == 0:
        return names
    if action.choices:
        return f"{names} {'|'.join(map(str, action.choices))}"
    value = str(action.metavar or action.dest).strip("<>").replace("-", "_").replace(" ", "_").upper()
    return f"{names} {_SHORT.get(action.dest, value)}"


_SHORT = {
    "host": "URL", "num_users": "N", "run_time": "TIME", "ramp": "R", "failure_threshold": "N",
    "prompts": "FILE", "version_label": "NAME", "model": "NAME", "header": "NAME=VALUE",
    "endpoint": "PATH", "results": "FOLDER", "max_tokens": "N", "temperature": "T", "seed": "N",
    "target_pid": "PID", "target_metrics": "URL", "ca_file": "FILE", "metrics_port": "PORT",
    "client_cert": "FILE", "client_key": "FILE", "wait_ready": "TIME",
    "metrics_host": "ADDRESS", "embedded_target": "[OPTIONS]", "thresholds": "FILE", "max_users": "N",
    "rate": "R", "arrivals": "KIND", "concurrency": "N", "requests": "N", "max_rate": "R", "start_rate": "R",
    "stage_rates": "R,R,…", "abandon": "SHARE@TIME|SHARE@CHUNKS",
    "input_tokens": "LENGTH", "output_tokens": "LENGTH",
    "start_users": "N", "steps": "N", "repeats": "N", "stages": "N,N,…", "bursts": "N", "burst_path": "PATH",
}  # fmt: skip
"""Placeholders for values, for options whose own name would be a poor one."""


def _meaning(action: argparse.Action) -> str:
    """An option's help; a default that is a whole number is shown without `.0`."""
    text = (action.help or "").removeprefix(OURS).replace("%%", "%")
    return re.sub(r"(default: \d+)\.0(?=[;)])", r"\1", text)


def _section(title: str, rows: Sequence[tuple[str, str]], width: int) -> Iterator[str]:
    """A heading and its options; a name too long for its column gets a line of its own."""
    column = min(max(len(flags) for flags, _ in rows), 28)
    yield ""
    if title:
        yield f"{title}:"
    for flags, meaning in rows:
        lines = textwrap.wrap(meaning, max(20, width - column - _INDENT - _GAP), break_on_hyphens=False) or [""]
        if len(flags) > column:
            choices = " " * _INDENT + flags.replace("|", "| ")
            yield from (line.replace("| ", "|") for line in _whole_words(choices, width, _GAP))
            flags = ""  # noqa: PLW2901 - they are printed already
        yield f"{' ' * _INDENT}{flags:<{column}}{' ' * _GAP}{lines[0]}".rstrip()
        yield from (" " * (_INDENT + column + _GAP) + line for line in lines[1:])
