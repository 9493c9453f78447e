"""One streamed request with either client, and what came of it."""

from types import SimpleNamespace

from katydid.dialects import dialect
from katydid.engine.measuring import judge, measure_exchange, measure_stream
from katydid.engine.run_info import RunInfo
from katydid.model.sample import Sample
from katydid.transport import open_client
from katydid.transport.exchange import Exchange, Request, Timeouts, TlsSettings

CLIENTS = ("fast", "requests")


def info() -> RunInfo:
    return RunInfo(users=1, workers=1, model="m", warm_up=0.0).begun()


class Silent:
    """A part in a WebSocket's conversation that is over as soon as it has begun."""

    due = None
    done = False

    def begin(self, _at):
        self.done = True

    def closed(self, _code, _reason):
        return None


class Talker:
    """A client, used for one request after the other."""

    def __init__(self, kind, url, *, total=5.0, idle=2.0, api="openai", **tls):
        self.client = open_client(kind, url, Timeouts(total, idle), TlsSettings(**tls))
        self.dialect = dialect(api)
        self.info = info()

    def ask(self, check="count", body=b"{}"):
        sample = Sample(request_id="r", user=0, iteration=0, worker="local", name="/", scheduled_ms=0.0)
        exchange, parser = Exchange(), self.dialect.stream_parser(check)
        headers = tuple(self.dialect.headers(None).items())
        self.client.send(Request("POST", self.dialect.endpoint, headers, body, "r"), parser, exchange)
        measure_exchange(sample, exchange, self.info)
        measure_stream(sample, exchange, parser)
        judge(sample, exchange, parser)
        return SimpleNamespace(sample=sample, exchange=exchange, parser=parser)

    def close(self):
        self.client.close()


def ask(kind, url, **options):
    """One request on a client of its own."""
    talker = Talker(kind, url, **options)
    try:
        return talker.ask()
    finally:
        talker.close()
