"""Speech goes on while 1,000 connections are held that do nothing. Targets on this machine only, unless they are yours.

katydid run zombies --embedded-target --users 20 --run-time 60s
locust -f locustfiles/zombies.py
"""

from katydid import ZombiesUser


class Zombies(ZombiesUser):
    """One simulated speaker."""
