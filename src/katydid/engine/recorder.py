"""Record finished requests: check the failure threshold, keep the row, and report to Locust.

Every finished request passes through here once. One Locust event per request makes it appear in Locust's statistics
and web UI. Requests of users that are not Katydid's (a plain HttpUser) arrive here as such events, and become rows
with what the event says.
"""

import time
from collections.abc import Callable
from itertools import count
from secrets import token_hex

import pyarrow as pa
from gevent import GreenletExit
from locust.env import Environment
from locust.exception import StopUser

from katydid.analysis.derived import LATE_MS
from katydid.engine.run_info import RunInfo
from katydid.engine.stopping import Stopper
from katydid.load.pacing import late_cause
from katydid.load.stages import Stage
from katydid.model.redact import Redactor
from katydid.model.sample import ErrorClass, Outcome, Sample
from katydid.runs.gaps import GapBuffer
from katydid.runs.rows import RowBuffer

_OK, _FAILED = Outcome.OK, Outcome.FAILED  # Python 3.11 takes 70 ns to look up a member of an enumeration
_UNTOLD = (Outcome.ABORTED, Outcome.ABANDONED)
"""Outcomes that are not reported to Locust, which knows only successes and failures."""


class RequestFailed(Exception):  # noqa: N818 - the name appears in Locust's table of failures
    """A failed request for Locust's table of failures; it carries only the error class, to keep that table short."""


class Recorder:
    """Records the samples of one process in one run.

    Args:
        schema: the schema of the rows.
        worker: this process's name in the rows.
        stage: returns the current stage, for requests of users that are not ours.
        late_limit: milliseconds after which a start counts as late; None if nothing has a due time.
    """

    def __init__(
        self,
        environment: Environment,
        stopper: Stopper,
        info: RunInfo,
        *,
        schema: pa.Schema,
        worker: str,
        redactor: Redactor,
        stage: Callable[[], Stage],
        late_limit: float | None = LATE_MS,
    ) -> None:
        self._environment = environment
        self._stopper = stopper
        self._info = info
        self.redactor = redactor
        self._stage = stage
        self._late_limit = late_limit
        self.worker = worker
        self.buffer = RowBuffer(schema)
        self.gaps = GapBuffer()
        self.recorded = 0
        self.in_flight = 0
        """The number of requests in flight."""
        self._id_prefix = token_hex(8)  # one per process and run: a random id for each request would cost 2 µs
        self._numbers = count()

    def new_sample(self, user: int, iteration: int, *, name: str, scheduled: float, stage: Stage) -> Sample:
        """Create the sample of a request that is about to start, due at `scheduled` on the monotonic clock."""
        scheduled_ms = self._info.ms(scheduled)
        # Positional arguments: looking up keywords among fifty parameters would take longer than all the rest here.
        sample = Sample(self._new_id(), user, iteration, self.worker, name, scheduled_ms, stage.number)
        sample.warm_up = stage.is_settling(scheduled_ms)
        return sample

    def finish(self, sample: Sample, request_type: str, elapsed_ms: float) -> None:
        """Record a request that has ended, with any outcome.

        Args:
            sample: the completed sample.
            request_type: the request's type in Locust's tables.
            elapsed_ms: the duration for Locust's statistics if the sample has none.
        """
        if sample.detail:
            sample.detail = self.redactor.text(sample.detail)
        if sample.outcome is _OK:
            sample.after_stop = self._stopper.halted
            self._keep(sample)
            if sample.gaps is not None:
                self.gaps.add(sample.gaps, warm_up=sample.warm_up)
        else:
            try:
                sample.after_stop = not self._admit(sample)
            except GreenletExit:
                sample.after_stop = True
                self._keep(sample)
                raise
            self._keep(sample)
            if sample.outcome in _UNTOLD or sample.after_stop:
                return
        sample.gaps = None
        self._environment.events.request.fire(
            request_type=request_type,
            name=sample.name,
            response_time=sample.duration_ms or elapsed_ms,
            response_length=sample.bytes or 0,
            exception=RequestFailed(sample.error) if sample.error else None,
            context={},
            katydid_sample=sample,
        )

    def note(self, sample: Sample) -> None:
        """Record a row that is not a request of the load: it counts neither here nor in Locust."""
        if sample.detail:
            sample.detail = self.redactor.text(sample.detail)
        sample.after_stop = self._stopper.halted
        self._keep(sample)

    def on_request(
        self,
        *,
        name: str,
        response_time: float | None,
        response_length: int | None = None,
        response: object = None,
        exception: object = None,
        **_: object,
    ) -> None:
        """Record a request of a user that is not Katydid's, from Locust's request event."""
        duration = float(response_time or 0.0)
        start_ms = self._info.ms(time.monotonic()) - duration
        stage = self._stage()
        sample = Sample(
            request_id=self._new_id(),
            user=-1,
            iteration=-1,
            worker=self.worker,
            name=name,
            scheduled_ms=start_ms,
            stage=stage.number,
            start_ms=start_ms,
            late_ms=0.0,
            duration_ms=duration,
            bytes=response_length or 0,
            status=getattr(response, "status_code", None),
            warm_up=stage.is_settling(start_ms),
        )
        if exception:
            sample.fail(ErrorClass.OTHER, self.redactor.text(str(exception)))
            sample.blame = None
        sample.after_stop = not self._admit(sample)
        self._keep(sample)

    def _new_id(self) -> str:
        """A unique id of 32 hexadecimal digits: 16 of this process, and 16 that count its requests."""
        return f"{self._id_prefix}{next(self._numbers):016x}"

    def _admit(self, sample: Sample) -> bool:
        if sample.outcome is _FAILED:
            return self._stopper.admit()
        return not self._stopper.halted

    def _keep(self, sample: Sample) -> None:
        if self._late_limit is None:
            sample.late_ms = sample.late_cause = None
        else:
            sample.late_cause = late_cause(sample.late_ms, sample.connect_ms, sample.late_cause, self._late_limit)
        if sample.duration_ms is None:  # without a last byte, this is the only record of how long it took at least
            sample.ended_ms = self._info.ms(time.monotonic())
        self.recorded += 1
        self.buffer.append(sample)


class Sampled:
    """The context manager of `PacedUser.sampled`. A class, since a generator would cost a microsecond more.

    Args:
        request_type: the request's type in Locust's tables; None if the row is not a request.
    """

    __slots__ = ("_began", "_recorder", "_request_type", "_sample")

    def __init__(self, sample: Sample, recorder: Recorder, request_type: str | None) -> None:
        self._sample = sample
        self._recorder = recorder
        self._request_type = request_type
        self._began = time.monotonic()

    def __enter__(self) -> Sample:
        self._recorder.in_flight += self._request_type is not None
        return self._sample

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> bool:
        self._recorder.in_flight -= self._request_type is not None
        ours = False
        if error is not None:
            ours = isinstance(error, Exception) and not isinstance(error, StopUser)
            if ours:  # a bug in the workload becomes a failed request
                self._sample.fail(ErrorClass.OTHER, f"the workload failed: {type(error).__name__}: {error}")
            elif isinstance(error, GreenletExit | StopUser):
                self._sample.abort()
        if self._request_type is None:
            self._recorder.note(self._sample)
        else:
            self._recorder.finish(self._sample, self._request_type, (time.monotonic() - self._began) * 1000.0)
        return ours
