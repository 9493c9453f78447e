"""Several targets in one run: each has its own service, and the users are distributed over them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import reduce
from operator import or_
from typing import Any, cast

from katydid.engine.options import RunOptions
from katydid.engine.sender.identity import Credentials
from katydid.engine.services.base import Service
from katydid.load.body import Adaptation
from katydid.model.errors import ConfigError
from katydid.protocol.target_url import hosts_in, shown_url
from katydid.transport.exchange import TimestampSource

Kind = Callable[[Any, str], Service]
"""A class of services."""


class Spread:
    """A service (`base.Service`) of several targets.

    Attributes:
        services: one per target, in the order of `--host`.
        note: preflight's note for the user; empty if there is nothing to say.
        adaptation: the adaptation to what any of the targets rejects, so that all get the same requests.

    Raises:
        ConfigError: a service's own error, or a target is given twice.
    """

    def __init__(self, kind: Kind, options: RunOptions, hosts: Sequence[str]) -> None:
        self._kind, self._options, self._hosts = kind, options, hosts
        shown = list(map(shown_url, hosts))
        if twice := next((host for host in shown if shown.count(host) > 1), ""):
            raise ConfigError(f"--host {twice} is given twice: name each target once")
        self._make(options)
        self.note = ""
        self.adaptation = Adaptation()

    def _make(self, options: RunOptions) -> None:
        self.services = [self._kind(options, host) for host in self._hosts]
        first, *others = (each for each in self.services if hasattr(each, "questions"))
        for other in others:
            other.questions.draw = first.questions.draw

    def of(self, number: int) -> Service:
        """The service of a user by number; with an arrival rate, of an arrival."""
        return self.services[number % len(self.services)]

    @property
    def credentials(self) -> Credentials:
        """The credentials of the first target."""
        return self.services[0].credentials

    @property
    def timestamp_source(self) -> TimestampSource:
        """See `Service.timestamp_source`."""
        return self.services[0].timestamp_source

    @property
    def name(self) -> str:
        """See `Service.name`."""
        return self.services[0].name

    def preflight(self) -> str:
        """See `Service.preflight`."""
        return self.looked(lambda service, _: service.preflight())

    def looked(self, look: Callable[[Service, str], str]) -> str:
        """Check each target before the load; return the first target's model, which all are asked for.

        Args:
            look: checks one target, given its service and URL; returns its model.

        Raises:
            ConfigError: a target cannot serve this run's requests.
        """
        model = look(self.services[0], self._hosts[0])
        if self._options.model is None and model:
            first = self.services[0]
            self._make(replace(self._options, model=model))
            self.services[0] = first
        for service, host in zip(self.services[1:], self._hosts[1:], strict=True):
            look(service, host)
        notes = {host: getattr(service, "note", "") for service, host in self._each}
        by_host = [f"{host}: {note}" for host, note in notes.items() if note]
        self.note = next(iter(notes.values())) if len(set(notes.values())) == 1 else "; ".join(by_host)
        found = (getattr(service, "adaptation", Adaptation()) for service in self.services)
        self.adaptation = reduce(or_, found)
        if self.adaptation:
            self.adapt(self.adaptation.as_dict())
        if self.calibration:
            self.calibrate(self.calibration)
        return model

    def adapt(self, found: dict[str, object]) -> None:
        """See `Service.adapt`."""
        for service in self.services:
            service.adapt(found)

    @property
    def calibration(self) -> dict[str, object] | None:
        """The first target's token calibration: all targets get the same prompts."""
        return getattr(self.services[0], "calibration", None)

    def calibrate(self, found: dict[str, object]) -> None:
        """See `Service.calibrate`."""
        for service in self.services:
            service.calibrate(found)

    def share(self, process: int, processes: int) -> None:
        """This is process number `process` (from 0) of several that send requests."""
        for service in self.services:
            if hasattr(service, "share"):
                service.share(process, processes)

    def begin(self, model: str) -> None:
        """See `Service.begin`."""
        for service in self.services:
            service.begin(model)

    def secrets(self) -> list[str]:
        """See `Service.secrets`."""
        return [secret for service in self.services for secret in service.secrets()]

    def facts(self) -> dict[str, object]:
        """See `Service.facts`; `hosts` lists the targets."""
        hosts = [host for _, host in self._each]
        return {**self.services[0].facts(), "host": ",".join(hosts), "hosts": hosts}

    @property
    def _each(self) -> Iterator[tuple[Service, str]]:
        """The services, each with its URL as in the samples."""
        return (
            (service, str(getattr(service, "host", host)))
            for service, host in zip(self.services, self._hosts, strict=True)
        )

    @property
    def open_connections(self) -> int:
        """See `Service.open_connections`."""
        return sum(service.open_connections for service in self.services)

    def close(self) -> None:
        """See `Service.close`."""
        for service in self.services:
            service.close()


def open_service(kind: Kind, options: RunOptions, host: str) -> Service:
    """The service of a run's target, or of several targets separated by commas in `host`.

    Raises:
        ConfigError: an option is invalid for such a target.
    """
    hosts = hosts_in(host)
    if len(hosts) == 1:
        return kind(options, hosts[0])
    return cast("Service", Spread(kind, options, hosts))  # only its constructor differs


def services_of(service: object) -> Sequence[Any]:
    """The single-target services of a service: its parts, or itself."""
    return service.services if isinstance(service, Spread) else [service]
