"""Connects 2,000 clients at once during a speech load. A target on another machine must be yours.

katydid run storm --embedded-target="--speech-connections 1000" --users 20 --run-time 60s
locust -f locustfiles/storm.py
"""

from katydid import StormUser


class Storm(StormUser):
    """One simulated speaker."""
