"""The embedded target itself: the state shared by its connections, admission, and its status pages."""

import asyncio
import ssl
import time
from collections import deque
from typing import Any

import psutil

from katydid.model.errors import ConfigError
from katydid.model.jsontext import json_bytes
from katydid.target.admission import RateLimits, Refusal, Slots
from katydid.target.apis.responses import KeptAnswers
from katydid.target.bridge import Bridge
from katydid.target.connection import Connection
from katydid.target.prefix_cache import PrefixCache
from katydid.target.settings import TargetSettings
from katydid.target.speech.gateway import Gateway
from katydid.target.ticker import Ticker
from katydid.target.truthlog import TruthLog
from katydid.target.wire.arrivals import Arrivals, listen

KIND = "text/plain; version=0.0.4; charset=utf-8"
"""The content type of Prometheus' text format."""

_process = psutil.Process()


class Target:
    """The service.

    Raises:
        ConfigError: the log cannot be written.
    """

    def __init__(self, settings: TargetSettings, loop: asyncio.AbstractEventLoop) -> None:
        self.settings = settings
        self.ticker = Ticker(loop)
        self.slots = Slots(settings.slots, settings.queue_limit)
        self.log = TruthLog(settings.log)
        self.arrivals = Arrivals()
        self.kept = KeptAnswers()
        self.prefixes = PrefixCache(settings.prefix_cache) if settings.prefix_cache else None
        self.speech = Gateway(settings, loop, self.log)
        self.rates = settings.failure_rates
        self.bridge = Bridge(settings.rooms, settings.bridge_rates, settings.seed, self.ticker.now)
        self._limits = RateLimits(settings.rate_limit, settings.daily_limit)
        self._models = settings.model_names
        self._server: asyncio.Server | None = None
        self._connections: set[Connection] = set()
        self.computing: set[Connection] = set()
        """Connections whose clients have left, but whose answers are still computed."""
        self._served: Connection | None = None  # the only one served, with --single-threaded
        self._waiting: deque[Connection] = deque()
        self.requests = self.in_flight = 0
        self._peak_in_flight = self._peak_connections = 0

    async def serve(self) -> str:
        """Start to listen, and return the address as a URL.

        Raises:
            ConfigError: the address is taken, or the certificate cannot be read.
        """
        settings, context = self.settings, None
        if settings.tls_cert:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            try:
                context.load_cert_chain(settings.tls_cert, settings.tls_key)
            except OSError as error:
                raise ConfigError(f"--tls-cert {settings.tls_cert} or its --tls-key cannot be used ({error})") from None
        try:
            self._server = await asyncio.get_running_loop().create_server(
                lambda: Connection(self),
                sock=listen(settings.host, settings.port, self.arrivals),
                ssl=context,
                backlog=8192,
            )
        except (OSError, UnicodeError) as error:  # UnicodeError for an invalid host name
            raise ConfigError(f"the target cannot listen on {settings.host}:{settings.port} ({error})") from None
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        return f"{'https' if context else 'http'}://{host}:{self._server.sockets[0].getsockname()[1]}"

    def stop(self) -> None:
        """Stop; requests being served are aborted and logged."""
        if self._server is not None:
            self._server.close()
        self.slots.close()
        for connection in [*self._connections, *self.computing]:
            connection.stop()
        self.speech.pool.stop()
        self.log.close()

    # Connections

    def admit(self, connection: Connection) -> bool:
        """Register a new connection. Return True if it exceeds --max-connections."""
        self._connections.add(connection)
        self._peak_connections = max(self._peak_connections, len(self._connections))
        if self.settings.single_threaded:
            if self._served is None:
                self._served = connection
            else:
                self._waiting.append(connection)
                connection.transport.pause_reading()
        return 0 < self.settings.max_connections < len(self._connections)

    def dismiss(self, connection: Connection) -> None:
        """Forget a closed connection; with --single-threaded, serve the next one."""
        self._connections.discard(connection)
        if self._served is connection:
            self._served = self._waiting.popleft() if self._waiting else None
            if self._served is not None:
                self._served.transport.resume_reading()
        elif connection in self._waiting:
            self._waiting.remove(connection)

    # Requests

    def refuse_model(self, model: str) -> Refusal | None:
        """Return a rejection if the target does not have this model."""
        known = model in self._models
        return None if known else Refusal(404, f"The model {model!r} does not exist", "model_not_found")

    def refuse_key(self, key: str) -> Refusal | None:
        """Count a request of a key; return a rejection if it exceeds the rate limits."""
        return self._limits.refuse(key, self.ticker.now())

    def begin_answer(self) -> None:
        """Count an accepted request."""
        self.in_flight += 1
        self._peak_in_flight = max(self._peak_in_flight, self.in_flight)

    def page(self, method: str, path: str) -> tuple[str, bytes] | None:
        """Return the content type and body of a page about the target's state, or None if there is none."""
        value: dict[str, Any]
        match method, path:
            case "GET", "/metrics":
                return KIND, self._metrics().encode()
            case "GET", "/v1/models":
                models = [{"id": name, "object": "model", "created": 0, "owned_by": "katydid"} for name in self._models]
                value = {"object": "list", "data": models}
            case "GET", "/api/tags":
                value = {"models": [{"name": name, "model": name} for name in self._models]}
            case "GET", "/health":
                value = {"status": "ok", "version": self.settings.version}
            case "GET", "/stats":
                value = {
                    "requests": self.requests,
                    "in_flight": self.in_flight,
                    "peak_in_flight": self._peak_in_flight,
                    "queued": self.slots.waiting,
                    "connections": len(self._connections),
                    "peak_connections": self._peak_connections,
                }
            case "GET" | "POST", "/speech/workers":
                if method == "POST":  # replaces dead workers
                    self.speech.pool.fill_up()
                value = {"pids": self.speech.pool.pids, "pending": self.speech.pool.pending}
            case "POST", "/reset_prefix_cache":  # as in vLLM
                if self.prefixes is not None:
                    self.prefixes.clear()
                value = {}
            case _:
                return None
        return "application/json", json_bytes(value)

    def _metrics(self) -> str:
        name, memory = "katydid_target_requests", _process.memory_info().rss
        figures = (
            (f"{name}_running", "gauge", "Requests that have a slot.", self.slots.busy),
            (f"{name}_waiting", "gauge", "Requests that wait for a slot.", self.slots.waiting),
            ("process_cpu_seconds_total", "counter", "CPU time of the process.", time.process_time()),
            ("process_resident_memory_bytes", "gauge", "Memory of the process.", memory),
        )
        return "".join(
            f"# HELP {name} {text}\n# TYPE {name} {kind}\n{name} {value}\n" for name, kind, text, value in figures
        )
