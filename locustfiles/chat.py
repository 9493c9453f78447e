"""Multi-turn conversations; each request contains everything that was said before.

katydid run chat --host http://127.0.0.1:8080 --users 20 --run-time 5m --turns 8 --think-time "lognormal(8s,6s)"
locust -f locustfiles/chat.py
"""

from katydid import ChatUser


class Chat(ChatUser):
    """One simulated user of the service."""
