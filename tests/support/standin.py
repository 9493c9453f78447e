"""Stands in PATH for `katydid`, `locust` and `python` while the shell blocks of a page are run as they are printed.

It calls the real command, with three things changed, since a page speaks of other people's services and of minutes:

- a host or a port of the page is one of this machine that a server of ours has (PORTS, TARGET);
- what takes long is cut short: times, users and intervals above a cap, on the command line and in the environment;
- servers (`katydid target`, `locust` with its page) go on in the background until the page is over; those that
  `--start-base` and `--start-new` name are left to the command that starts and ends them.

An exit code that is a verdict about a run (1, 3, 4) is none about the page, and becomes 0; wrong usage and our own
errors (2, 70) stay. `python standin.py NAME ARGUMENT…` with the settings in KATYDID_STAND_IN, as JSON.
"""

import json
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

SETTINGS = "KATYDID_STAND_IN"
VERDICTS = {1, 3, 4}
TARGET_WAIT = 20.0
"""Seconds until a server of the page must listen."""

LONGEST, BRIEF = 10.0, 4.0
"""Seconds of a run: one that is longer is cut to BRIEF."""
MOST = {"--users": 40, "--max-users": 8, "--interval": 1.0, "--stage-time": 2.0, "--cool-down": 0.5, "--turns": 5}
"""Most of what an option may have; LOAD_TEST_… and LOCUST_… have the same."""
INSTEAD = {
    "--stages": "4,8", "--loads": "5", "--chaos-at": "1,2", "--storm-at": "1", "--zombies-at": "1",
    "--storm-clients": "50", "--zombies": "50",
}  # fmt: skip
OTHER_ARRIVALS = {"--rate", "--concurrency", "--trace"}
"""Options that an interval contradicts."""
BY_DEFAULT = {
    "run": {  # with the 20 s by default, a run that is cut short has one request, and none on a busy machine
        "LOAD_TEST_INTERVAL": "1",
        "LOAD_TEST_STORM_AT": "1", "LOAD_TEST_CHAOS_AT": "1", "LOAD_TEST_ZOMBIES_AT": "1",
        "LOAD_TEST_STORM_CLIENTS": "50", "LOAD_TEST_ZOMBIES": "50",
    },
    "capacity": {
        "LOAD_TEST_INTERVAL": "1", "LOAD_TEST_MAX_USERS": "8", "LOAD_TEST_START_USERS": "4", "LOAD_TEST_HOLD": "3",
        "LOAD_TEST_STEPS": "3", "LOAD_TEST_REPEATS": "2",
    },
}  # fmt: skip
"""By how the arguments begin, for what lasts long by its defaults, where the page does not say otherwise."""
ENDPOINTS = {"vosk": "/vosk", "funasr": "/funasr"}
"""By `--api`: where our target has what a server of its own has at its root."""
SHORT_NAMES = {"-u": "--users", "-t": "--run-time"}
_URL = re.compile(r"(?P<scheme>https?|wss?)://(?P<host>[\w.-]+)(?::(?P<port>\d+))?")


class StandIn:
    """One call of a command.

    Args:
        settings: `commands` (the folder of the real ones), `ports` (of the page, with the real ones), `served` (those
            at which the page itself has a server), `target` (URL of the server that answers for all others), `pids`
            (as `ports`), `web_port` and `master_port` (of Locust), `log` (a file, a line a call).
    """

    def __init__(self, name: str, settings: dict) -> None:
        self.name = name
        self._settings = settings
        self._to_wait_for: set[int] = set()
        self._starts_servers = False

    def arguments(self, given: list[str]) -> list[str]:
        """The arguments, with what is changed."""
        if self.name == "python":
            return [self._settings["ports"].get(word, word) for word in given]
        self._starts_servers = "--start-base" in given
        words: list[str] = []
        option = ""
        for word in given:
            name, equals, value = word.partition("=")
            if word.startswith("-") and equals:
                words.append(f"{name}={self._value(SHORT_NAMES.get(name, name), value)}")
                option = ""
            elif word.startswith("-"):
                words.append(word)
                option = SHORT_NAMES.get(word, word)
            else:
                words.append(self._value(option, word))
                option = ""
        return words

    def environment(self, words: list[str]) -> dict[str, str]:
        """The environment of a command with these arguments, likewise."""
        found = BY_DEFAULT.get(words[0], {}) | BY_DEFAULT.get(" ".join(words[:2]), {}) if words else {}
        if OTHER_ARRIVALS & {word.partition("=")[0] for word in words}:
            found = {name: value for name, value in found.items() if name != "LOAD_TEST_INTERVAL"}
        for api in set(words) & set(ENDPOINTS):
            found["LOAD_TEST_ENDPOINT"] = ENDPOINTS[api]
        if self.name == "locust":
            found = {
                "LOCUST_WEB_PORT": self._settings["web_port"],
                "LOCUST_MASTER_BIND_PORT": self._settings["master_port"],
                "LOCUST_MASTER_NODE_PORT": self._settings["master_port"],
            }
        for name, value in os.environ.items():
            option = "--" + name.removeprefix("LOAD_TEST_").removeprefix("LOCUST_").lower().replace("_", "-")
            ours = name.startswith(("LOAD_TEST_", "LOCUST_"))
            found[name] = self._value(option, value) if ours else value
        if self._starts_servers:
            found["PATH"] = f"{self._settings['commands']}{os.pathsep}{found['PATH']}"
        return found

    def _value(self, option: str, value: str) -> str:
        if option in INSTEAD:
            return INSTEAD[option]
        if option == "--run-time":
            return f"{BRIEF:g}s" if _seconds(value) > LONGEST else value
        if option in MOST:
            return value if float(value) <= MOST[option] else f"{MOST[option]:g}"
        if option in {"--target-pid", "--chaos-pid"}:
            return str(self._settings["pids"].get(value, value))
        if option == "--port":
            return str(self._settings["ports"][value]) if value in self._settings["served"] else "0"
        return value if self._starts_servers else _URL.sub(self._url, value)

    def _url(self, found: re.Match) -> str:
        port = self._settings["ports"].get(found["port"]) if found["host"] == "127.0.0.1" else None
        if port is None:
            port = str(urlsplit(self._settings["target"]).port)
        self._to_wait_for.add(int(port))
        return f"{found['scheme'].replace('https', 'http').replace('wss', 'ws')}://127.0.0.1:{port}"

    def run(self, given: list[str]) -> int:
        """Run it; its exit code, as the page's shell is to see it."""
        arguments, environment = self.arguments(given), self.environment(given)
        command = [str(Path(self._settings["commands"]) / self.name), *arguments]
        for port in self._to_wait_for:
            wait_for(port)
        if self._serves(arguments):
            return self._leave_in_background(command, environment)
        began = time.monotonic()
        code = subprocess.run(command, env=environment, check=False).returncode
        self._note(given, code, time.monotonic() - began)
        return 0 if self.name == "katydid" and code in VERDICTS else code

    def _serves(self, arguments: list[str]) -> bool:
        if "--help" in arguments:
            return False
        return arguments[:1] == ["target"] if self.name == "katydid" else self.name == "locust"

    def _leave_in_background(self, command: list[str], environment: dict[str, str]) -> int:
        with Path(f"{self._settings['log']}.servers").open("a") as log:
            started = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._note(command, None, 0.0, started.pid)
        return 0

    def _note(self, words: list[str], code: int | None, seconds: float, pid: int | None = None) -> None:
        line = {"command": [self.name, *words], "code": code, "seconds": round(seconds, 1), "pid": pid}
        with Path(self._settings["log"]).open("a") as log:
            log.write(json.dumps(line) + "\n")


def wait_for(port: int) -> None:
    """Until a server listens there; the real command is to complain where none does."""
    until = time.monotonic() + TARGET_WAIT
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)


def _seconds(text: str) -> float:
    """A run time as Locust takes it: seconds, or with units as in 1h30m."""
    if text.isdigit():
        return float(text)
    units = {"h": 3600.0, "m": 60.0, "s": 1.0}
    return sum(float(number) * units[unit] for number, unit in re.findall(r"(\d+)([hms])", text))


if __name__ == "__main__":
    sys.exit(StandIn(sys.argv[1], json.loads(os.environ[SETTINGS])).run(sys.argv[2:]))
