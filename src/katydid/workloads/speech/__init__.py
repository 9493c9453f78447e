"""The workload `speech`: each request streams audio over a WebSocket, at the pace of speech."""

from dataclasses import dataclass

from katydid.dialects.speech import NOTHING, SPEECH_APIS
from katydid.engine.options import RunOptions
from katydid.model.options import NOT_NEGATIVE, POSITIVE, option
from katydid.model.options.quantities import milliseconds
from katydid.model.redact import only_its_length
from katydid.model.workload import Workload, register
from katydid.workloads.speech.section import speech_answer, speech_section


@dataclass(frozen=True, kw_only=True)
class SpeechOptions(RunOptions):
    """Options of the workload `speech`."""

    api: str = option("generic", "the target's API", choices=SPEECH_APIS)
    audio: str | None = option(
        None, "WAV file, or folder of WAV files: 16-bit, mono, 16 kHz (default: one second of generated sound)"
    )
    audio_chunk: float = option(100.0, "milliseconds of audio per message", kind=milliseconds, rule=POSITIVE)
    audio_speed: float = option(
        1.0,
        "how fast audio is sent: 1 = as it is spoken, 2 = twice as fast, 0 = as fast as the target reads it",
        kind=float,
        rule=NOT_NEGATIVE,
    )
    speech_fields: str | None = option(
        None,
        "API generic: other names of fields and types, such as text=alternatives.0.transcript,final=is_last:true,"
        "processing=decode_s:s,rtf=rtf",
    )
    speech_start: str | None = option(
        None,
        "message before the audio instead of the API's; {request_id} is replaced with the request's id; none = send no "
        "message",
    )
    speech_end: str | None = option(None, "message after the audio instead of the API's; none = send no message")

    def shown(self) -> dict[str, object]:
        """See `RunOptions.shown`; of a message only its length is shown, since it may contain a key."""
        texts = {"speech_start": self.speech_start, "speech_end": self.speech_end}
        return super().shown() | {
            name: text if text is None or text.strip().lower() == NOTHING else only_its_length(text)
            for name, text in texts.items()
        }


register(
    Workload(
        name="speech",
        options=SpeechOptions,
        user="katydid.workloads.speech.user:SpeechUser",
        answer=speech_answer,
        sections=(speech_section,),
    )
)
