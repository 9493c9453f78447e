"""Several targets in one run: each is a service of its own, and users are spread over them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import reduce
from operator import or_
from typing import Any, cast

from katydid.engine.options import RunOptions
from katydid.engine.sender.credentials import Credentials
from katydid.engine.services.base import Service
from katydid.load.body import Adaptation
from katydid.model.errors import ConfigError
from katydid.protocol.target_url import hosts_in, shown_url
from katydid.transport.exchange import TimestampSource

Kind = Callable[[Any, str], Service]
"""A class of services."""


class Spread:
    """See `base.Service`.

    Attributes:
        services: one a target, in the order of `--host`.
        note: what a person should know of the look before the load; empty for nothing.
        adaptation: of all requests to what any of the targets refuses, so that all get the same ones.

    Raises:
        ConfigError: as the services do, or a target stands there twice.
    """

    def __init__(self, kind: Kind, options: RunOptions, hosts: Sequence[str]) -> None:
        self._kind, self._options, self._hosts = kind, options, hosts
        shown = list(map(shown_url, hosts))
        if twice := next((host for host in shown if shown.count(host) > 1), ""):
            raise ConfigError(f"--host {twice} stands there twice: name each target once")
        self._make(options)
        self.note = ""
        self.adaptation = Adaptation()

    def _make(self, options: RunOptions) -> None:
        self.services = [self._kind(options, host) for host in self._hosts]
        first, *others = (each for each in self.services if hasattr(each, "questions"))
        for other in others:
            other.questions.draw = first.questions.draw

    def of(self, number: int) -> Service:
        """The service of a user; at a rate, of an arrival."""
        return self.services[number % len(self.services)]

    @property
    def credentials(self) -> Credentials:
        """Of the first target."""
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
        """Look at each target before they are loaded; all are asked for the model of the first.

        Args:
            look: at one, by its service and its URL; gives the model.

        Raises:
            ConfigError: one of them cannot be loaded so.
        """
        model = look(self.services[0], self._hosts[0])
        if self._options.model is None and model:
            first = self.services[0]
            self._make(replace(self._options, model=model))
            self.services[0] = first
        for service, host in zip(self.services[1:], self._hosts[1:], strict=True):
            look(service, host)
        notes = {host: getattr(service, "note", "") for service, host in self._each}
        said = notes.values()
        told = [f"{host}: {note}" for host, note in notes.items() if note]
        self.note = next(iter(said)) if len(set(said)) == 1 else "; ".join(told)
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
        """How the first target counts made prompts: all get the same ones."""
        return getattr(self.services[0], "calibration", None)

    def calibrate(self, found: dict[str, object]) -> None:
        """See `Service.calibrate`."""
        for service in self.services:
            service.calibrate(found)

    def share(self, process: int, processes: int) -> None:
        """This is one of several processes that send requests; `process` from 0."""
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
        """See `Service.facts`; `hosts` are the targets."""
        hosts = [host for _, host in self._each]
        return {**self.services[0].facts(), "host": ",".join(hosts), "hosts": hosts}

    @property
    def _each(self) -> Iterator[tuple[Service, str]]:
        """The services, each with the URL that its rows have."""
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
    """The service of a run's target, or of its targets, which stand in `host` with commas.

    Raises:
        ConfigError: an option is no good for such a target.
    """
    hosts = hosts_in(host)
    if len(hosts) == 1:
        return kind(options, hosts[0])
    return cast("Service", Spread(kind, options, hosts))  # which has all of it but how it is made


def services_of(service: object) -> Sequence[Any]:
    """The services of single targets that one is, or is made of."""
    return service.services if isinstance(service, Spread) else [service]
