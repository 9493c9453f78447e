"""Holds 1,000 idle connections during a speech load. A target on another machine must be yours.

katydid run zombies --embedded-target --users 20 --run-time 60s
locust -f locustfiles/zombies.py
"""

from katydid import ZombiesUser


class Zombies(ZombiesUser):
    """One simulated speaker."""
