"""`katydid completion SHELL`: print a script with which a shell completes commands, workloads and options.

The words come from the parsers.
"""

import argparse
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence

from katydid.commands import COMMANDS, command_parsers
from katydid.model.arguments import Commands, OneLineParser
from katydid.model.errors import ExitCode
from katydid.resources import shipped_workloads

Descriptions = Mapping[str, str]
Words = Mapping[str, Sequence[str]]
"""The words that may follow each command."""


def add_parser(commands: Commands) -> None:
    """Add the command's arguments to the tree."""
    parser = commands.add_parser(
        "completion",
        description="Print a script that completes Katydid's commands and options in a shell.",
        epilog="example: katydid completion bash > ~/.local/share/bash-completion/completions/katydid",
    )
    parser.add_argument("shell", choices=_SCRIPTS, help="the shell that reads the script")


def run(args: argparse.Namespace) -> int:
    """Print the script."""
    words = {name: list(dict.fromkeys(_words(parser))) for name, parser in command_parsers().items()}
    sys.stdout.write(_SCRIPTS[args.shell](COMMANDS, words))
    return ExitCode.PASSED


def _words(parser: OneLineParser) -> Iterator[str]:
    """A command's values and options, and for commands that start runs also the options in Locust's parser."""
    actions = parser._actions  # noqa: SLF001 - argparse has no list of them
    if run_parser := parser.get_default("run_parser"):
        yield from shipped_workloads()
        actions = [*actions, *run_parser()[0]._actions]  # noqa: SLF001 - see above
    for action in actions:
        if not action.option_strings:
            yield from map(str, action.choices or ())
        elif action.help != argparse.SUPPRESS:
            yield from (name for name in action.option_strings if name.startswith("--"))


def _bash(_: Descriptions, words: Words) -> str:
    cases = "\n".join(f"    {name}) words={shlex.quote(' '.join(known))} ;;" for name, known in words.items())
    return f"""# katydid completion bash
_katydid() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} words=
  case ${{COMP_WORDS[1]}} in
{cases}
  esac
  [ "$COMP_CWORD" -gt 1 ] || words={shlex.quote(" ".join(words))}
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}}
complete -o default -F _katydid katydid
"""


def _zsh(_: Descriptions, words: Words) -> str:
    cases = "\n".join(f"    {name}) known=({shlex.join(known)}) ;;" for name, known in words.items())
    return f"""#compdef katydid
_katydid() {{
  local -a known
  case $words[2] in
{cases}
  esac
  (( CURRENT > 2 )) || known=({shlex.join(words)})
  compadd -a known || _files
}}
compdef _katydid katydid
"""


def _fish(commands: Descriptions, words: Words) -> str:
    lines = ["# katydid completion fish"]
    for name, text in commands.items():
        lines.append(f"complete -c katydid -n __fish_use_subcommand -f -a {name} -d {shlex.quote(text)}")
    for name, known in words.items():
        there = f"'__fish_seen_subcommand_from {name}'"
        for word in known:
            given = f"-l {word[2:]}" if word.startswith("--") else f"-f -a {word}"
            lines.append(f"complete -c katydid -n {there} {given}")
    return "\n".join(lines) + "\n"


_SCRIPTS: dict[str, Callable[[Descriptions, Words], str]] = {"bash": _bash, "zsh": _zsh, "fish": _fish}
