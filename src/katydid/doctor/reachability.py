"""Checks that the target answers and how far away it is. Sends no load."""

import ipaddress
import socket
import time
from collections.abc import Callable

from katydid.doctor.checks import Checked
from katydid.model.errors import ConfigError
from katydid.protocol.target_url import read_target_url, shown_url

TRIES = 5
TIMEOUT = 5.0
FAR_MS = 50.0
_LIMIT = "answers; connects within 50 ms"
_WHY = "the network round trip is part of every measured time"


def reach(host: str, look: Callable[[], str]) -> Checked:
    """Connect a few times, then check the target as the workload does before a run.

    Args:
        host: the target's URL.
        look: the workload's check before its load; returns the model that it will request.
    """
    shown = shown_url(host)
    try:
        connects = sorted(_connect_ms(host) for _ in range(TRIES))
        began = time.monotonic()
        model = look()
    except (ConfigError, OSError) as error:
        message = str(error) if isinstance(error, ConfigError) else f"{shown} does not answer ({error.strerror})"
        found, _, remedy = message.rpartition(": ")  # the target's message may contain colons too
        if not found:
            found, remedy = message, "start it, or correct --host"
        return Checked("target", "bad", found, _LIMIT, _WHY, "target", remedy)
    answered = (time.monotonic() - began) * 1000.0
    found = f"{shown}: connects in {connects[TRIES // 2]:.1f} ms, first answer after {answered:.0f} ms, model {model}"
    if connects[TRIES // 2] > FAR_MS:
        return Checked(
            "target", "warning", found, _LIMIT, _WHY, "configuration", "run the generator closer to the target"
        )
    if _is_here(host):
        remedy = "for valid figures, run the target on another machine: here it shares the generator's cores"
        return Checked("target", "warning", found, _LIMIT, _WHY, "configuration", remedy)
    return Checked("target", "ok", found, _LIMIT, _WHY, "target", "")


def _connect_ms(host: str) -> float:
    name, port = _address(host)
    began = time.monotonic()
    try:
        with socket.create_connection((name, port), TIMEOUT):
            return (time.monotonic() - began) * 1000.0
    except OSError as error:
        why = error.strerror or str(error)
        raise ConfigError(f"{shown_url(host)} does not answer ({why}): start it, or correct --host") from None


def _address(host: str) -> tuple[str, int]:
    to = read_target_url(host)
    return to.host, to.port


def _is_here(host: str) -> bool:
    name, _ = _address(host)
    try:
        return ipaddress.ip_address(socket.gethostbyname(name)).is_loopback
    except (OSError, ValueError):
        return False
