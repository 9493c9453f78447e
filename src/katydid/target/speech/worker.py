"""A recognition worker: a process that takes jobs from its standard input, a chunk of audio each, one at a time.

It pretends: it takes as long as it is told, and answers how long that was; it ends with its input. It stands on
the standard library alone and is run as a file, so that dozens of them start in a moment.

The time that a chunk takes counts from when it came, or from when the worker was done with the one before:
hand-overs between processes cost this worker nothing, as a real one would hide them too.
"""

import os
import struct
import time

JOB = struct.Struct("=QQ")
"""When the chunk came (monotonic clock), how long to work on it: nanoseconds."""
ANSWER = struct.Struct("=Q")
"""How long it was worked on, nanoseconds."""


def read_exactly(size: int) -> bytes:
    """Bytes of standard input.

    Raises:
        EOFError: it has ended.
    """
    data = b""
    while len(data) < size:
        piece = os.read(0, size - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def main() -> None:
    """Work until the input ends."""
    free_at = 0
    while True:
        try:
            came_at, work = JOB.unpack(read_exactly(JOB.size))
        except EOFError:
            return
        free_at = max(came_at, free_at) + work
        if (left := free_at - time.monotonic_ns()) > 0:
            time.sleep(left / 1e9)
        os.write(1, ANSWER.pack(work))


if __name__ == "__main__":
    main()
