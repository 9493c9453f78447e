"""What streaming speech services say: one file each, and `transcript.py` for what all have in common.

Bytes and texts only: knows no socket, no clock and no audio file.
"""

from katydid.dialects.speech.base import SpeechDialect
from katydid.dialects.speech.funasr import FunAsrDialect
from katydid.dialects.speech.generic import GenericDialect
from katydid.dialects.speech.vosk import VoskDialect
from katydid.model.errors import ConfigError

__all__ = ["NOTHING", "SPEECH_APIS", "SpeechDialect", "own_words", "speech_dialect"]

SPEECH_APIS = ("generic", "funasr", "vosk")
"""Every dialect; the place to add one."""


NOTHING = "none"
"""In place of a text: nothing is sent."""


def own_words(given: str | None, usual: str, request_id: str) -> str | None:
    """A message of ours: the dialect's, or a text of one's own, in which `{request_id}` is filled in; None for none."""
    if given is None:
        return usual
    return None if given.strip().lower() == NOTHING else given.replace("{request_id}", request_id)


def speech_dialect(name: str, fields: str | None = None) -> SpeechDialect:
    """The dialect that `--api` names.

    Args:
        name: one of SPEECH_APIS.
        fields: for `generic`, what its fields are called (see `generic.py`).

    Raises:
        ConfigError: the fields are wrong, or the dialect has none to name.
    """
    if name == "generic":
        return GenericDialect(fields)
    if fields:
        raise ConfigError(f"--speech-fields is for --api generic: {name} has its own names")
    return FunAsrDialect() if name == "funasr" else VoskDialect()
