"""Multi-turn conversations whose answers are checked under load.

katydid run session --host http://127.0.0.1:8080 --users 5 --turns 20 --interval 0
locust -f locustfiles/session.py --headless
"""

from katydid import SessionUser


class Session(SessionUser):
    """One simulated user of the service."""
