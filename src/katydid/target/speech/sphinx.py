"""A worker that recognises: pocketsphinx and the English model in its package. Run as a module.

A stream needs a decoder of its own, so all of its audio must come to one worker. Decoders are kept and used
again: one takes a third of a second to load and about 100 MB.
"""

import time
from typing import Any

from katydid.target.speech.worker import Job, WorkerReply, serve


class Recogniser:
    """Decoders of the streams that go on, and those that are free."""

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
            decoder.process_raw(job.audio, False, False)  # not a search alone, not the whole utterance
        if job.last:
            decoder.end_utt()
            self._free.append(self._busy.pop(job.stream))
        found = decoder.hyp()
        return WorkerReply(time.monotonic_ns() - began, found.hypstr if found else "")


def _decoder() -> Any:
    from pocketsphinx import Decoder  # noqa: PLC0415 - an optional dependency, of this worker alone

    return Decoder(loglevel="FATAL")


if __name__ == "__main__":
    serve(Recogniser())
