"""Virtual hosts: network namespaces of this machine, each with its own address, on one bridge.

Needs Linux, root and iproute2. Everything, including the bridge, is inside the namespaces. The machine's own network is
not changed, and everything is removed when the context ends.
"""

import os
import shutil
import subprocess
from contextlib import ExitStack
from types import TracebackType
from typing import Self

SUBNET = "10.213.7"
IP = shutil.which("ip") or "ip"


def why_not() -> str | None:
    """Return why namespaces cannot be made here, or None if they can."""
    if shutil.which("ip") is None:
        return "there is no `ip` command (iproute2)"
    name = f"kd{os.getpid()}-try"
    tried = _ip("netns", "add", name)
    if tried.returncode:
        return f"this process may not make network namespaces ({tried.stderr.strip()})"
    _ip("netns", "del", name)
    return None


class Network:
    """Hosts on one bridge; a context manager.

    Args:
        hosts: names of the hosts.
    """

    def __init__(self, *hosts: str) -> None:
        self._hosts = hosts
        self._prefix = f"kd{os.getpid()}"
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            hub = self._namespace(stack, "hub")
            _need("-n", hub, "link", "add", "name", "bridge", "type", "bridge")
            _need("-n", hub, "link", "set", "dev", "bridge", "up")
            for host in self._hosts:
                there = self._namespace(stack, host)
                _need("-n", hub, "link", "add", "name", host, "type", "veth", "peer", "name", "eth0", "netns", there)
                _need("-n", hub, "link", "set", "dev", host, "master", "bridge", "up")
                _need("-n", there, "address", "add", f"{self.address(host)}/24", "dev", "eth0")
                _need("-n", there, "link", "set", "eth0", "up")
                _need("-n", there, "link", "set", "lo", "up")
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def address(self, host: str) -> str:
        """Return the address of a host."""
        return f"{SUBNET}.{self._hosts.index(host) + 1}"

    def command(self, host: str, *words: object) -> list[str]:
        """Return the command line that runs a command on a host."""
        return [IP, "netns", "exec", self._name(host), *map(str, words)]

    def cut(self, host: str) -> None:
        """Disconnect a host; it receives nothing more, but its own interface stays up."""
        _need("-n", self._name("hub"), "link", "set", "dev", host, "down")

    def heal(self, host: str) -> None:
        """Reconnect a host."""
        _need("-n", self._name("hub"), "link", "set", "dev", host, "up")

    def _name(self, host: str) -> str:
        return f"{self._prefix}-{host}"

    def _namespace(self, stack: ExitStack, host: str) -> str:
        name = self._name(host)
        _need("netns", "add", name)
        stack.callback(_ip, "netns", "del", name)
        return name


def _ip(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([IP, *words], capture_output=True, text=True, check=False)


def _need(*words: str) -> None:
    done = _ip(*words)
    if done.returncode:
        raise OSError(f"ip {' '.join(words)}: {done.stderr.strip()}")
