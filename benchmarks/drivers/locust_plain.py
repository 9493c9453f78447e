"""Plain Locust: HttpUser and iter_lines, looking for content by its bytes."""

import time
from uuid import uuid4

from asking import BODY, CONTENT, PATH, STREAM, headers, note_first
from locust import HttpUser, constant, task


class Plain(HttpUser):
    """Asks without a pause."""

    wait_time = constant(0)

    @task
    def ask(self) -> None:
        """One request, and when its first content came."""
        identity, began, first = uuid4().hex, time.perf_counter(), True
        with self.client.post(
            PATH, data=BODY, headers=headers(identity), stream=STREAM, catch_response=True
        ) as response:
            if not STREAM:
                return
            for line in response.iter_lines():
                if first and CONTENT in line:
                    first = note_first(identity, began)
