"""Embeddings of one or several texts a request, at a fixed interval a user.

katydid run embed --host http://127.0.0.1:8080 --inputs 8 --users 50 --run-time 2m
locust -f locustfiles/embed.py
"""

from katydid import EmbedUser


class Embed(EmbedUser):
    """One simulated user of the service."""
