"""Plain Locust with HttpUser and iter_lines: finds content by its bytes, without parsing."""

import time
from uuid import uuid4

from asking import BODY, CONTENT, PATH, STREAM, headers, note_first
from locust import HttpUser, constant, task


class Plain(HttpUser):
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
            for line in response.iter_lines():
                if first and CONTENT in line:
                    first = note_first(identity, began)
