"""Kills workers of the service during a speech load. A target on another machine must be yours.

katydid run chaos --embedded-target="--speech-workers 4 --speech-restart 3s" --users 20 --run-time 60s
locust -f locustfiles/chaos.py
"""

from katydid import ChaosUser


class Chaos(ChaosUser):
    """One simulated speaker."""
