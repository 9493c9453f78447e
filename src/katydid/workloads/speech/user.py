"""The workload `speech`: a stream of audio over a WebSocket a request, at the pace of speaking."""

from functools import partial
from typing import ClassVar

from katydid.dialects.speech import SpeechDialect, own_words, speech_dialect
from katydid.dialects.status import NOT_READY
from katydid.engine.measuring import fail_on_the_line, refusal
from katydid.engine.sender.credentials import KeyedWebSocketClient
from katydid.engine.sender.identity import Identity
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
from katydid.workloads.speech.audio import load_audio
from katydid.workloads.speech.audio_stream import AudioStream, Pace


class SpeechService:
    """See `service.Service`.

    Attributes:
        dialect: what the target's messages look like.
        key: that it is given.
        client: opens WebSockets to it.
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
        self._host = to._replace(path=found.base).url
        self._identity = Identity(options, to, _bearer)
        self.key, self.note = self._identity.key, self._identity.note
        self.credentials = self._identity.credentials
        timeouts = Timeouts(options.request_timeout, options.idle_timeout)
        self.client = KeyedWebSocketClient(self._host, timeouts, options.tls, self.credentials)

    @property
    def host(self) -> str:
        """URL of the target, as it is shown."""
        return self._host

    @property
    def timestamp_source(self) -> TimestampSource:
        """Where the client's receive times come from."""
        return self.client.timestamp_source

    @property
    def name(self) -> str:
        """What streams are called in tables: the path that they go to, without its query."""
        return self.path.partition("?")[0]

    def preflight(self) -> str:
        """See `service.Service.preflight`: one handshake; speech services list no models."""
        exchange = Exchange()
        self.client.converse(self.path, self.headers("preflight"), _Visit(), exchange)
        host = self._host
        if exchange.error is ErrorClass.MALFORMED:
            raise NoAnswerError(f"{host} speaks no WebSocket ({exchange.detail}): correct --host or --endpoint")
        if exchange.status is None:
            raise NoAnswerError(f"{host} does not answer ({exchange.detail}): start it, or correct --host")
        if exchange.status in {401, 403}:
            raise refused_key(host, exchange)
        if exchange.status in NOT_READY:
            raise NotReadyError(
                f"{host} takes nobody now ({exchange.status}): wait until it has started, or is free again"
            )
        if exchange.status != 101:
            raise ConfigError(
                f"{host} opens no WebSocket at {self.name} ({answer_words(exchange)}): correct --endpoint or --api"
            )
        return self._options.model or ""

    def begin(self, model: str) -> None:
        """See `service.Service.begin`; streams have nothing to prepare in common."""

    def headers(self, request_id: str) -> dict[str, str]:
        """Of a handshake."""
        return {**dict(self.credentials.headers), "X-Request-Id": request_id}

    def utterance(self, user: int, iteration: int, request_id: str) -> AudioStream:
        """What a user says in an iteration."""
        index = self._recordings.index(self._options.seed, user, iteration)
        pace = Pace(self._options.audio_chunk / 1000.0, self._options.audio_speed)
        dialect, options = self.dialect, self._options
        return AudioStream(
            self._recordings.audios[index],
            self._chunks[index],
            pace,
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
            "host": self._host,
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


class _Visit:
    """A part of a conversation that is done as soon as it has begun."""

    due: float | None = None
    done = False

    def begin(self, at: float) -> None:
        """See `websocket.Part`."""
        del at
        self.done = True

    def say(self, now: float, *, held: bool) -> str | bytes | None:
        """See `websocket.Part`; never called, since nothing is due."""
        raise NotImplementedError

    def hear(self, message: str | bytes, at: float) -> None:
        """See `websocket.Part`."""

    def closed(self, code: int, reason: str) -> tuple[ErrorClass, str] | None:
        """See `websocket.Part`."""


class SpeechUser(PacedUser[SpeechOptions, SpeechService]):
    """Speaks, and listens at the same time.

    Columns:
        audio_ms: duration of the audio.
        first_partial_ms: first chunk of audio sent → first recognised text.
        final_latency_ms: end of the audio → final result.
        rtf: (arrival of the final result − first chunk of audio sent) / duration of the audio.
        server_rtf: processing time that the service names / duration of the audio, or the factor that it names.
        queue_pending_max: largest number of waiting chunks that the service named.
        partials: partial results.
        revisions: results that changed words which had been shown.
        send_late_ms: lateness of the chunk of audio that was sent the longest after its time.
        sent_chunks: chunks of audio that were sent.
        late_chunks: those sent more than 20 ms late, by our own fault.
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
        """One stream, from its handshake to its final result."""
        service = self.service
        utterance = service.utterance(*self.draw, sample.request_id)
        exchange = self.measured(
            sample,
            partial(service.client.converse, service.path, service.headers(sample.request_id), utterance),
            lambda _: measure_utterance(sample, utterance),
        )
        judge_utterance(sample, exchange, utterance)


def measure_utterance(sample: Sample, utterance: AudioStream) -> None:
    """The columns of a stream of speech; times of what did not happen stay null."""
    extra, parser = sample.extra, utterance.parser
    first, stopped, final = utterance.first_audio_at, utterance.stopped_at, parser.final_at
    if sample.status == 101:
        sample.chunks = parser.partials + (final is not None)
    extra["audio_ms"] = utterance.audio_s * 1000.0
    extra["queue_pending_max"] = parser.pending_max
    extra["partials"], extra["revisions"] = parser.partials, parser.revisions
    extra["sent_chunks"], extra["late_chunks"] = utterance.sent, utterance.late
    if first is None:
        return
    if utterance.worst_late is not None:
        extra["send_late_ms"] = utterance.worst_late * 1000.0
    if parser.first_text_at is not None:
        extra["first_partial_ms"] = (parser.first_text_at - first) * 1000.0
    if final is not None:
        extra["rtf"] = (final - first) / utterance.audio_s
        if stopped is not None:
            extra["final_latency_ms"] = (final - stopped) * 1000.0
    if parser.rtf is not None:
        extra["server_rtf"] = parser.rtf
    elif parser.processing_ms is not None:
        extra["server_rtf"] = parser.processing_ms / 1000.0 / utterance.audio_s


def judge_utterance(sample: Sample, exchange: Exchange, utterance: AudioStream) -> None:
    """Decide how the stream ended: what the target said of itself comes before how the line broke."""
    status, failure = exchange.status, utterance.parser.failure
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
    elif not utterance.parser.text:
        sample.fail(ErrorClass.EMPTY, "the final result has no text")
