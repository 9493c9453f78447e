"""Plain Locust with FastHttpUser: reads line by line and parses each event; iter_lines would wait for 1,024 bytes."""

import json
import time
from uuid import uuid4

from asking import BODY, PATH, STREAM, headers, note_first
from locust import FastHttpUser, constant, task


class Fast(FastHttpUser):
    """Sends requests without a pause."""

    wait_time = constant(0)

    @task
    def ask(self) -> None:
        """Send one request and record when its first content arrived."""
        identity, began, first = uuid4().hex, time.perf_counter(), True
        with self.client.post(
            PATH, data=BODY, headers=headers(identity), stream=STREAM, catch_response=True
        ) as response:
            if not STREAM:
                return
            while line := response._response.readline(b"\n"):  # noqa: SLF001 - there is no public way
                if not line.startswith(b"data: {"):
                    continue
                choices = json.loads(line[6:])["choices"]
                if first and choices and choices[0]["delta"].get("content"):
                    first = note_first(identity, began)
