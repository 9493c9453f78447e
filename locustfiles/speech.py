"""Streams speech over WebSockets, at the speed of speech. Copy this file to make a workload of your own.

katydid run speech --host http://127.0.0.1:8080 --users 50 --interval 10 --run-time 2m
locust -f locustfiles/speech.py
"""

from katydid import SpeechUser


class Speech(SpeechUser):
    """One simulated speaker."""
