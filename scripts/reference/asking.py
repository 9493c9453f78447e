"""The reference pages on commands, options of a run, workloads and APIs, and the embedded target."""

import argparse
from collections.abc import Iterable
from importlib import import_module
from typing import Any

from cells import code, first_sentence, table, text

from katydid.analysis.definitions import DEFINITIONS
from katydid.commands import COMMANDS, command_parsers
from katydid.dialects import DIALECTS
from katydid.dialects.speech import SPEECH_APIS, speech_dialect
from katydid.engine.options import RunOptions, WatchOptions
from katydid.model.arguments import OneLineParser
from katydid.model.options import default_text, flag_of, options_in, variable_of
from katydid.model.workload import WORKLOADS
from katydid.resources import shipped_workloads
from katydid.target import prefix_cache
from katydid.target.apis import responses
from katydid.target.faults import BRIDGE_FAULTS, FAULTS, TOOL_FAULTS
from katydid.workloads import user_class


def commands() -> str:
    """The page of all commands with their arguments."""
    rows = [[f"[`{name}`](#katydid-{name})", text(said)] for name, said in COMMANDS.items()]
    return f"""\
# Commands

{table(["command", "description"], rows)}
{"".join(map(_command, COMMANDS, command_parsers().values()))}"""


_BESIDE = {
    "run": "Also takes the [options of a run](options.md) and Locust's own.\n\n",
    "capacity": "Also takes the [options of a run](options.md) and Locust's own: [how to](../how-to/capacity.md).\n\n",
    "ab": "Also takes the [options of a run](options.md) and Locust's own: [how to](../how-to/ab.md).\n\n",
    "bisect": "Also takes the [options of a run](options.md) and Locust's own: [how to](../how-to/bisect.md).\n\n",
    "target": "Its faults are described in [the embedded target](target.md).\n\n",
}


def _command(name: str, parser: OneLineParser) -> str:
    usage = parser.format_usage().removeprefix("usage: ").strip()
    return f"""\
## katydid {name}

{parser.description}

{_BESIDE.get(name, "")}```text
{usage}
```

{_arguments(parser)}
```console
$ {(parser.epilog or "").removeprefix("example: ")}
```

"""


def _arguments(parser: OneLineParser) -> str:
    rows = []
    for action in parser._actions:  # noqa: SLF001 - argparse has no public list of them
        if action.dest == "help" or action.help == argparse.SUPPRESS:
            continue
        metavar = action.metavar or ("{" + ",".join(map(str, action.choices)) + "}" if action.choices else "")
        names = action.option_strings or [str(metavar or action.dest)]
        value = f" {metavar}" if action.option_strings and action.nargs != 0 and metavar else ""
        said = (action.help or "") % {"default": action.default, "prog": parser.prog}
        rows.append([", ".join(code(n + value) for n in names), text(said)])
    return table(["argument", "meaning"], rows)


def _option_rows(options: Iterable[Any]) -> list[list[str]]:
    rows = []
    for option in options:
        meta = option.metadata
        choices = f"; one of {', '.join(map(code, meta['choices']))}" if meta["choices"] else ""
        default = "" if option.default is None or option.default is False else code(default_text(option))
        rows.append([code(flag_of(option)), code(variable_of(option)), default, text(meta["help"]) + choices])
    return rows


_HEAD = ["option", "variable", "default", "meaning"]


def options() -> str:
    """The page of the options of a run, followed by those that each workload adds or changes."""
    from katydid.engine.stages.capacity_shape import CapacityOptions  # noqa: PLC0415 - imports Locust, which patches the process

    shown = []
    for name in shipped_workloads():
        parent = parent_of(name)
        if own := _changed(WORKLOADS[name].options, WORKLOADS[parent.workload].options if parent else RunOptions):
            shown.append(f"## {name}\n\n{also(parent)}{table(_HEAD, _option_rows(own))}\n")
    return f"""\
# Options of a run

Set each option on the command line of `katydid run` or `locust -f`, as an environment variable, in `locust.conf` or in
the form of the web UI; the master sends it to every worker. The command line takes precedence over the environment,
and the environment over the file. An option on the command line also overrides a variable that contradicts it: `--rate`
overrides `LOAD_TEST_INTERVAL`. Locust's own options (`--host`, `--users`, `--run-time`, `--processes` …) are in
[its documentation](https://docs.locust.io/en/stable/configuration.html).

Durations are written `250ms`, `20s`, `8m`, `1h` or `1m30s`; a plain number is seconds, unless the meaning names another
unit.

The API key is never an option, because process lists and web pages show options. Katydid takes it from
`LOAD_TEST_API_KEY`, or else from the file that `LOAD_TEST_API_KEY_FILE` names, or else from the output of the command
in `LOAD_TEST_API_KEY_COMMAND`.

## Every workload

{table(_HEAD, _option_rows(options_in(RunOptions)))}
## To watch a process

Set these for each process separately. They are not in the manifest, and not in the form of the web UI.

{table(_HEAD, _option_rows(options_in(WatchOptions)))}
{"".join(map(_of_dialect, DIALECTS.values()))}{"".join(shown)}## katydid capacity

With any workload.

{table(_HEAD, _option_rows(_changed(CapacityOptions, RunOptions)))}"""


def _of_dialect(dialect: Any) -> str:
    options = getattr(dialect, "options", None)
    return f"## --api {dialect.name}\n\n{table(_HEAD, _option_rows(options_in(options)))}\n" if options else ""


def _changed(options_class: Any, other: Any) -> list[Any]:
    """Return the options that the other class lacks, or has with another default or meaning."""
    known = {option.name: (option.default, option.metadata) for option in options_in(other)}
    return [o for o in options_in(options_class) if (o.default, o.metadata) != known.get(o.name)]


def parent_of(workload: str) -> Any:
    """Return the user class of the workload that this one extends, or None."""
    user = user_class(workload)
    others = (user_class(name) for name in shipped_workloads() if name != workload)
    return next((other for other in others if issubclass(user, other)), None)


def also(parent: Any) -> str:
    """Return the words that refer to the options or columns of the extended workload."""
    return f"Those of `{parent.workload}`, and:\n\n" if parent else ""


def workloads() -> str:
    """The page of the workloads and APIs."""
    users = [(name, user_class(name)) for name in shipped_workloads()]
    rows = [[code(name), text(first_sentence(user)), str(user.default_users)] for name, user in users]
    return f"""\
# Workloads and APIs

## Workloads

Arguments of `katydid run` and `katydid capacity`, which also accept the path of a locustfile.

{table(["workload", "each user", "default users"], rows)}
## APIs

Values of `--api`, and the path of each, unless `--endpoint` names another.

{_apis(DIALECTS.values())}
## Speech APIs

{_apis(map(speech_dialect, SPEECH_APIS))}
## Other tools' definitions

Values of `katydid report --definitions`: {", ".join(map(code, [*DEFINITIONS, "all"]))}; see
[one run by five definitions](../definitions.md).
"""


def _apis(dialects: Iterable[Any]) -> str:
    rows = [[code(d.name), code(d.endpoint), text(_is(type(d)))] for d in dialects]
    return table(["API", "path", "description"], rows)


def _is(api: type[Any]) -> str:
    """Return the description of an API: that of its class, or of its module if the class has none."""
    own = first_sentence(api)
    return first_sentence(import_module(api.__module__)) if own.startswith("See ") else own


def target() -> str:
    """The page of the embedded target and its faults."""
    head = ["class", "fault"]
    faults, tool_faults, bridge_faults = (
        table(head, ([code(name), text(said)] for name, said in rows.items()))
        for rows in (FAULTS, TOOL_FAULTS, BRIDGE_FAULTS)
    )
    prefix_rule = " ".join((prefix_cache.__doc__ or "").partition("\n\n")[2].split())
    return f"""\
# The embedded target

A local service with known behaviour, for trials, demos and tests. Start it with `katydid target`, or with a run's
`--embedded-target`, which takes the [same options](commands.md#katydid-target) as one argument:
`--embedded-target="--ttft 300ms --chunks 80"`. `--seed` determines all faults and jitter. `--log FILE` writes the
ground truth, one JSON line per request.

## `--prefix-cache TOKENS`

{prefix_rule} Each word of a prompt is a token. Cached tokens
shorten the time to the first content chunk to `--ttft` × (1 − cached / prompt). The usage reports them if the API has a
field for them. `POST /reset_prefix_cache` clears the cache, as in vLLM.

## Conversations

A request to `/v1/responses` can continue from a kept answer (`previous_response_id`): its prompt is the whole
conversation before it, and its own input. Every answer is kept unless its request has `"store": false`. Beyond
{responses.MOST_KEPT:,} answers, the oldest are dropped.

## `--keep-computing`

Normally a client that leaves frees its slot at once. With this option, the slot stays taken for as long as the answer
would have taken, and a request whose client leaves the queue still gets a slot. `GET /metrics` reports running and
waiting requests (`katydid_target_requests_running`, `katydid_target_requests_waiting`), and `freed_*` in the log is
when a slot was freed ([clients that leave](../how-to/clients-that-leave.md)).

## `--fail CLASS=RATE`

{faults}
## `--tool-fail CLASS=RATE`

{tool_faults}
## `--bridge-fail CLASS=RATE`

{bridge_faults}"""
