"""Embeddings of one or more texts per request, each user at a fixed interval.

katydid run embed --host http://127.0.0.1:8080 --inputs 8 --users 50 --run-time 2m
locust -f locustfiles/embed.py
"""

from katydid import EmbedUser


class Embed(EmbedUser):
    """One simulated user of the service."""
