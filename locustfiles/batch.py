"""Non-streamed chat completions, each user at a fixed interval.

katydid run batch --host http://127.0.0.1:8080 --users 50 --run-time 2m
locust -f locustfiles/batch.py
"""

from katydid import BatchUser


class Batch(BatchUser):
    """One simulated user of the service."""
