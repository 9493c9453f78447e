"""All users send a request at the same moment: how many does the service work on at a time?

katydid run burst --host http://127.0.0.1:8080 --users 10
locust -f locustfiles/burst.py --headless
"""

from katydid import BurstUser


class Burst(BurstUser):
    """One simulated user of the service."""
