"""A workload of your own: in each interval a user asks a question, then follow-up questions.

katydid run examples/custom_workload.py --embedded-target --users 5 --interval 5 --run-time 20s --follow-ups 2
"""

import time
from dataclasses import dataclass

from katydid import NOT_NEGATIVE, RunOptions, StreamUser, option


@dataclass(frozen=True, kw_only=True)
class FollowUpOptions(RunOptions):
    """Each field is an option: on the command line, in the environment, in the web form, on every worker."""

    follow_ups: int = option(1, "questions after the first one", kind=int, rule=NOT_NEGATIVE)


class FollowUp(StreamUser):
    """Sends each question as a request with its own row and name."""

    workload = "follow-up"
    options_class = FollowUpOptions

    def iterate(self, scheduled: float) -> None:
        """The first question is due on schedule, each later one as soon as the previous one is answered."""
        for number in range(1 + self.run_context.options.follow_ups):
            due = scheduled if number == 0 else time.monotonic()
            with self.sampled(due, name=f"question {number + 1}") as sample:
                self.perform(sample)
