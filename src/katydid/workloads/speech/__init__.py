"""The workload `speech`: a stream of audio over a WebSocket a request, at the pace of speaking."""

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
        None, "WAV file, or folder of them: 16-bit, mono, 16 kHz (default: one second of a sound made by code)"
    )
    audio_chunk: float = option(100.0, "milliseconds of audio in one message", kind=milliseconds, rule=POSITIVE)
    audio_speed: float = option(
        1.0,
        "how fast audio is sent: 1 as it is spoken, 2 twice as fast, 0 as fast as the target takes it",
        kind=float,
        rule=NOT_NEGATIVE,
    )
    speech_fields: str | None = option(
        None,
        "api generic: other names of fields and types, as in text=alternatives.0.transcript,final=is_last:true,"
        "processing=decode_s:s,rtf=rtf",
    )
    speech_start: str | None = option(
        None, "the text before the audio instead of the API's, {request_id} is filled in; none = no such message"
    )
    speech_end: str | None = option(None, "the text after the audio instead of the API's; none = no such message")

    def shown(self) -> dict[str, object]:
        """See `RunOptions.shown`; a message may hold a key."""
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
