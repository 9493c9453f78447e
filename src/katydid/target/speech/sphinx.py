"""A worker that recognises speech with pocketsphinx and the English model in its package. Run as a module.

Each stream needs its own decoder, so all of its audio must go to one worker. Decoders are reused, since one takes a
third of a second to load and about 100 MB.
"""

import time
from typing import Any

from katydid.target.speech.worker import Job, WorkerReply, serve


class Recogniser:
    """The decoders of open streams, and free decoders."""

    def __init__(self) -> None:
        self._busy: dict[int, Any] = {}
        self._free: list[Any] = [_decoder()]

    def __call__(self, job: Job) -> WorkerReply:
        """See `worker.serve`."""
        decoder = self._busy.get(job.stream)
        if decoder is None:
            decoder = self._busy[job.stream] = self._free.pop() if self._free else _decoder()
            decoder.start_utt()
        began = time.monotonic_ns()
        if job.audio:
            decoder.process_raw(job.audio, False, False)  # no_search, full_utt
        if job.last:
            decoder.end_utt()
            self._free.append(self._busy.pop(job.stream))
        found = decoder.hyp()
        return WorkerReply(time.monotonic_ns() - began, found.hypstr if found else "")


def _decoder() -> Any:
    from pocketsphinx import Decoder  # noqa: PLC0415 - an optional dependency

    return Decoder(loglevel="FATAL")


if __name__ == "__main__":
    serve(Recogniser())
