"""`katydid completion SHELL`: a script that lets a shell complete commands, workloads and options.

The commands and options are those that each `--help` names, so nothing is listed twice.
"""

import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence

from katydid.model.arguments import OneLineParser
from katydid.model.errors import ExitCode
from katydid.resources import shipped_workloads

_ALL_HELP = """
import sys
from katydid.cli import main
for command in sys.argv[1:]:
    print(end="\\0", flush=True)
    for help in ["--help", "--help-locust"] if command in {"run", "capacity"} else ["--help"]:
        try:
            main([command, help])
        except SystemExit:
            pass
"""
_COMMAND = re.compile(r"^  ([a-z]+)  +(\S.*)$", re.MULTILINE)
_OPTION_LINE = re.compile(r"^ +(-.*?)(?: {2}|$)", re.MULTILINE)
_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]+")

Commands = Mapping[str, str]
Words = Mapping[str, Sequence[str]]
"""What may follow each command."""


def main(arguments: Sequence[str]) -> int:
    """Print the script."""
    parser = OneLineParser(
        prog="katydid completion",
        description="Print a script that completes katydid's commands and options in a shell.",
        epilog="example: katydid completion bash > ~/.local/share/bash-completion/completions/katydid",
    )
    parser.add_argument("shell", choices=_SCRIPTS, help="the shell that is to read it")
    shell = parser.parse_args(arguments).shell
    commands = dict(_COMMAND.findall(_helps("--help")[0]))
    helps = dict(zip(commands, _helps(*commands), strict=True))
    words = {name: [*_values(name), *_options(text)] for name, text in helps.items()}
    sys.stdout.write(_SCRIPTS[shell](commands, words))
    return ExitCode.PASSED


def _values(command: str) -> list[str]:
    if command in {"run", "ab"}:
        return shipped_workloads()
    return list(_SCRIPTS) if command == "completion" else []


def _options(text: str) -> list[str]:
    """What stands where a help names its options, not in what it says of them."""
    return list(dict.fromkeys(_OPTION.findall(" ".join(_OPTION_LINE.findall(text)))))


def _helps(*commands: str) -> list[str]:
    """What `katydid COMMAND --help` says; in another process, since `run` patches the one that it is in."""
    command = [sys.executable, "-c", _ALL_HELP, *commands]
    said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout  # noqa: S603 - ourselves
    return said.split("\0")[1:]


def _bash(_: Commands, words: Words) -> str:
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


def _zsh(_: Commands, words: Words) -> str:
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


def _fish(commands: Commands, words: Words) -> str:
    lines = ["# katydid completion fish"]
    for name, text in commands.items():
        lines.append(f"complete -c katydid -n __fish_use_subcommand -f -a {name} -d {shlex.quote(text)}")
    for name, known in words.items():
        there = f"'__fish_seen_subcommand_from {name}'"
        for word in known:
            given = f"-l {word[2:]}" if word.startswith("--") else f"-f -a {word}"
            lines.append(f"complete -c katydid -n {there} {given}")
    return "\n".join(lines) + "\n"


_SCRIPTS: dict[str, Callable[[Commands, Words], str]] = {"bash": _bash, "zsh": _zsh, "fish": _fish}
