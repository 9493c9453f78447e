"""One answer of the embedded chat bridge, from its slot to its last byte."""

import asyncio
from collections.abc import Callable

import orjson

from katydid.core.errors import ProtocolError
from katydid.target.bridge import Bridge, Reply
from katydid.target.http import HttpRequest, RequestError, answer
from katydid.target.settings import TargetSettings
from katydid.target.ticker import Ticker
from katydid.target.truthlog import Truth


class BridgeAnswer:
    """Served as `answering.Answer` is: whoever makes it calls `begin` when there is a slot.

    Where one connection is served at a time, it ends with its answer, as those of http.server do.

    Args:
        finished: called once, with whether the connection may carry another request.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        ticker: Ticker,
        *,
        settings: TargetSettings,
        bridge: Bridge,
        request: HttpRequest,
        truth: Truth,
        finished: Callable[[bool], None],
    ) -> None:
        self._transport = transport
        self._ticker = ticker
        self._settings = settings
        self._bridge = bridge
        self._request = request
        self._truth = truth
        self._finished = finished
        self._over = False

    def begin(self) -> None:
        """A slot is free: serve."""
        try:
            reply = self._bridge.serve(self._request)
        except RequestError as error:
            reply = Reply(error.status, {"error": str(error)})
        except ProtocolError as error:
            reply = Reply(400, {"error": str(error)})
        if not self._settings.bridge_delay:
            self._write(reply)
            return

        def later() -> None:
            if not self._over and not self._transport.is_closing():
                self._write(reply)

        self._ticker.at(self._ticker.now() + self._settings.bridge_delay, later)

    def abandon(self) -> None:
        """The client is gone."""
        self._over = True

    def resume(self) -> None:
        """Nothing is left to write."""

    def _write(self, reply: Reply) -> None:
        self._over = True
        truth, keep_alive = self._truth, self._request.keep_alive and not self._settings.single_threaded
        truth.status, truth.fault, truth.party = reply.status, reply.fault, reply.party
        body = orjson.dumps(reply.body)
        self._transport.write(answer(reply.status, body, server=self._settings.server, keep_alive=keep_alive))
        truth.ended("sent")
        self._finished(keep_alive)
