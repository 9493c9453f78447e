"""The messages of streaming speech services; `transcript` reads the answers of any of them.

Pure: no sockets, no clock, no audio files.
"""

from katydid.dialects.speech.base import SpeechDialect
from katydid.dialects.speech.generic import GenericDialect
from katydid.dialects.speech.servers import FunAsrDialect, VoskDialect
from katydid.model.errors import ConfigError

__all__ = ["NOTHING", "SPEECH_APIS", "SpeechDialect", "own_words", "speech_dialect"]

_FIXED = {each.name: each for each in (FunAsrDialect, VoskDialect)}
SPEECH_APIS = (GenericDialect.name, *_FIXED)
"""The names of all speech APIs."""

NOTHING = "none"
"""A custom message of this value means that no message is sent."""


def own_words(given: str | None, usual: str, request_id: str) -> str | None:
    """The text of a start or stop message; None to send none.

    Args:
        given: the user's own text, in which `{request_id}` is replaced, or NOTHING; None for the dialect's message.
        usual: the dialect's message.
        request_id: identifies the request.
    """
    if given is None:
        return usual
    return None if given.strip().lower() == NOTHING else given.replace("{request_id}", request_id)


def speech_dialect(name: str, fields: str | None = None) -> SpeechDialect:
    """Look up a speech dialect by its `--api` name.

    Args:
        name: one of SPEECH_APIS.
        fields: field names for `generic` (see `generic.py`).

    Raises:
        ConfigError: the fields are invalid, or the dialect takes none.
    """
    if name not in _FIXED:
        return GenericDialect(fields)
    if fields:
        raise ConfigError(f"--speech-fields is only for --api generic: the field names of {name} are fixed")
    return _FIXED[name]()
