"""Plain Locust with HttpUser and sseclient-py: parses each event."""

import json
import time
from uuid import uuid4

import sseclient
from asking import BODY, PATH, STREAM, headers, note_first
from locust import HttpUser, constant, task


class WithSseclient(HttpUser):
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
            for event in sseclient.SSEClient(response).events():
                if event.data == "[DONE]":
                    break
                choices = json.loads(event.data)["choices"]
                if first and choices and choices[0]["delta"].get("content"):
                    first = note_first(identity, began)
