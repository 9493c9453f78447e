"""Streamed chat completions, each user at a fixed interval. Copy this file to make a workload of your own.

katydid run stream --host http://127.0.0.1:8080 --users 50 --run-time 2m
locust -f locustfiles/stream.py
"""

from katydid import StreamUser


class Stream(StreamUser):
    """One simulated user of the service."""
