"""Speech goes on while 2,000 clients connect in one moment. Targets on this machine only, unless they are yours.

katydid run storm --embedded-target="--speech-connections 1000" --users 20 --run-time 60s
locust -f locustfiles/storm.py
"""

from katydid import StormUser


class Storm(StormUser):
    """One simulated speaker."""
