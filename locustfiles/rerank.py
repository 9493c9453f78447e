"""Ranks documents against a query, each user at a fixed interval.

katydid run rerank --host http://127.0.0.1:8080 --documents 20 --users 50 --run-time 2m
locust -f locustfiles/rerank.py
"""

from katydid import RerankUser


class Rerank(RerankUser):
    """One simulated user of the service."""
