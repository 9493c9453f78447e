"""The workload `speech`: each request streams audio over a WebSocket, at the pace of speech."""

from functools import partial
from typing import ClassVar

from katydid.dialects.speech import SpeechDialect, own_words, speech_dialect
from katydid.dialects.status import NOT_READY
from katydid.engine.measuring import fail_on_the_line, refusal
from katydid.engine.sender.identity import Identity, KeyedWebSocketClient
from katydid.engine.services.base import NoAnswerError, NotReadyError
from katydid.engine.services.paths import checked_path
from katydid.engine.services.preflight import answer_words, refused_key
from katydid.engine.user import PacedUser
from katydid.model.errors import ConfigError
from katydid.model.redact import hide_query, query_secrets
from katydid.model.sample import Blame, ErrorClass, Sample
from katydid.protocol.target_url import place, read_target_url
from katydid.transport.exchange import Exchange, Timeouts, TimestampSource
from katydid.workloads.speech import SpeechOptions
from katydid.workloads.speech.audio import AudioStream, Pace, load_audio


class SpeechService:
    """See `service.Service`.

    Attributes:
        dialect: the format of the target's messages.
        host: URL of the target, without secrets.
        name: name of the streams in tables: their path, without its query.
        key: the target's API key.
        client: opens WebSockets to the target.
    """

    def __init__(self, options: SpeechOptions, host: str) -> None:
        self.dialect: SpeechDialect = speech_dialect(options.api, options.speech_fields)
        self._options = options
        host = host.strip()
        to = read_target_url(host.replace("ws", "http", 1) if host.startswith(("ws://", "wss://")) else host)
        self._recordings = load_audio(options.audio)
        self._chunks = [audio.chunks(options.audio_chunk) for audio in self._recordings.audios]
        chosen = None if options.endpoint is None else checked_path("--endpoint", options.endpoint)
        found = place(to.path, self.dialect.endpoint, "", chosen)
        self.path = found.endpoint
        self.name = self.path.partition("?")[0]
        self.host = to._replace(path=found.base).url
        self._identity = Identity(options, to, _bearer)
        self.key, self.note = self._identity.key, self._identity.note
        self.credentials = self._identity.credentials
        timeouts = Timeouts(options.request_timeout, options.idle_timeout)
        self.client = KeyedWebSocketClient(self.host, timeouts, options.tls, self.credentials)

    @property
    def timestamp_source(self) -> TimestampSource:
        """Where the client's receive times come from."""
        return self.client.timestamp_source

    def preflight(self) -> str:
        """See `service.Service.preflight`; makes one handshake, since speech services do not list models."""
        exchange = Exchange()
        self.client.converse(self.path, self.headers("preflight"), Visit(), exchange)
        host = self.host
        if exchange.error is ErrorClass.MALFORMED:
            raise NoAnswerError(f"{host} does not speak WebSocket ({exchange.detail}): correct --host or --endpoint")
        if exchange.status is None:
            raise NoAnswerError(f"{host} does not answer ({exchange.detail}): start it, or correct --host")
        if exchange.status in {401, 403}:
            raise refused_key(host, exchange)
        if exchange.status in NOT_READY:
            raise NotReadyError(
                f"{host} accepts no connections now ({exchange.status}): wait until it has started or has capacity"
            )
        if exchange.status != 101:
            raise ConfigError(
                f"{host} has no WebSocket at {self.name} ({answer_words(exchange)}): correct --endpoint or --api"
            )
        return self._options.model or ""

    def begin(self, model: str) -> None:
        """See `service.Service.begin`; there is nothing to prepare."""

    def headers(self, request_id: str) -> dict[str, str]:
        """Return the headers of a handshake."""
        return {**dict(self.credentials.headers), "X-Request-Id": request_id}

    def audio_stream(self, user: int, iteration: int, request_id: str) -> AudioStream:
        """Return the audio stream of a user's iteration."""
        index = self._recordings.index(self._options.seed, user, iteration)
        dialect, options = self.dialect, self._options
        return AudioStream(
            self._recordings.audios[index],
            self._chunks[index],
            Pace(options.audio_chunk / 1000.0, options.audio_speed),
            dialect,
            start=own_words(options.speech_start, dialect.start(request_id), request_id),
            stop=own_words(options.speech_end, dialect.stop(), request_id),
        )

    def secrets(self) -> list[str]:
        """See `service.Service.secrets`."""
        return [secret for secret in (*self._identity.secrets, *query_secrets(self.path)) if secret]

    def facts(self) -> dict[str, object]:
        """See `service.Service.facts`."""
        recordings = self._recordings
        return {
            "host": self.host,
            "api": self.dialect.name,
            "endpoint": hide_query(self.path),
            "audio": f"{recordings.source} ({len(recordings.audios)})",
            "audio_sha256": recordings.sha256,
        }

    @property
    def open_connections(self) -> int:
        """See `service.Service.open_connections`."""
        return self.client.open_connections

    def close(self) -> None:
        """See `service.Service.close`; every stream closes its own connection."""


def _bearer(key: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"} if key else {}


class Visit:
    """A `websocket.Part` that says nothing, and ends as soon as the WebSocket is open."""

    due: float | None = None
    done = False

    def begin(self, at: float) -> None:
        """See `websocket.Part`."""
        del at
        self.done = True

    def say(self, now: float, *, held: bool) -> str | bytes | None:
        """See `websocket.Part`; never called, since nothing is due to be sent."""
        raise NotImplementedError

    def hear(self, message: str | bytes, at: float) -> None:
        """See `websocket.Part`; messages are ignored."""

    def closed(self, code: int, reason: str) -> tuple[ErrorClass, str] | None:
        """See `websocket.Part`."""


class SpeechUser(PacedUser[SpeechOptions, SpeechService]):
    """Sends audio and receives results at the same time.

    Columns:
        audio_ms: duration of the audio.
        first_partial_ms: first chunk of audio sent → first recognised text.
        final_latency_ms: end of the audio → final result.
        rtf: (arrival of the final result − first chunk of audio sent) / duration of the audio.
        server_rtf: reported processing time / duration of the audio, or the real-time factor that the target reports.
        queue_pending_max: largest number of waiting chunks that the target reported.
        partials: number of partial results.
        revisions: number of results that changed words of an earlier result.
        send_late_ms: largest lateness of a chunk of audio.
        sent_chunks: number of chunks of audio sent.
        late_chunks: number of chunks that the generator sent more than 20 ms late.
    """

    abstract = True
    may_leave = False
    workload = "speech"
    service_class: ClassVar[type[SpeechService]] = SpeechService
    options_class = SpeechOptions
    request_type = "SPEECH"
    extra_columns: ClassVar[dict[str, type]] = {
        "audio_ms": float,
        "first_partial_ms": float,
        "final_latency_ms": float,
        "rtf": float,
        "server_rtf": float,
        "queue_pending_max": int,
        "partials": int,
        "revisions": int,
        "send_late_ms": float,
        "sent_chunks": int,
        "late_chunks": int,
    }

    def perform(self, sample: Sample) -> None:
        """Send one stream, from its handshake to its final result."""
        service = self.service
        stream = service.audio_stream(*self.draw, sample.request_id)
        exchange = self.measured(
            sample,
            partial(service.client.converse, service.path, service.headers(sample.request_id), stream),
            lambda _: measure_stream(sample, stream),
        )
        judge_stream(sample, exchange, stream)


def measure_stream(sample: Sample, stream: AudioStream) -> None:
    """Fill in the columns of a stream; times of events that did not happen stay null."""
    extra, parser = sample.extra, stream.parser
    first, stopped, final = stream.first_audio_at, stream.stopped_at, parser.final_at
    if sample.status == 101:
        sample.chunks = parser.partials + (final is not None)
    extra["audio_ms"] = stream.audio_s * 1000.0
    extra["queue_pending_max"] = parser.pending_max
    extra["partials"], extra["revisions"] = parser.partials, parser.revisions
    extra["sent_chunks"], extra["late_chunks"] = stream.sent, stream.late
    if first is None:
        return
    if stream.worst_late is not None:
        extra["send_late_ms"] = stream.worst_late * 1000.0
    if parser.first_text_at is not None:
        extra["first_partial_ms"] = (parser.first_text_at - first) * 1000.0
    if final is not None:
        extra["rtf"] = (final - first) / stream.audio_s
        if stopped is not None:
            extra["final_latency_ms"] = (final - stopped) * 1000.0
    if parser.rtf is not None:
        extra["server_rtf"] = parser.rtf
    elif parser.processing_ms is not None:
        extra["server_rtf"] = parser.processing_ms / 1000.0 / stream.audio_s


def judge_stream(sample: Sample, exchange: Exchange, stream: AudioStream) -> None:
    """Set the outcome of a stream. An error that the target reported takes precedence over a broken connection."""
    status, failure = exchange.status, stream.parser.failure
    if failure is not None:
        sample.fail(*failure)
    elif status is not None and 300 <= status < 400:
        where = exchange.headers.get("location", "elsewhere")
        sample.fail(ErrorClass.OTHER, f"redirected ({status}) to {where}: point --host there")
        sample.blame = Blame.CONFIG
    elif status is not None and status != 101:
        sample.fail(*refusal(exchange))
    elif exchange.error is not None:
        fail_on_the_line(sample, exchange.error, exchange.detail)
    elif not stream.parser.text:
        sample.fail(ErrorClass.EMPTY, "the final result has no text")
