"""Conversations with a fixed number of tool calls; every call is checked.

katydid run tools --host http://127.0.0.1:8080 --users 20 --run-time 2m --tool-calls 2
locust -f locustfiles/tools.py
"""

from katydid import ToolsUser


class Tools(ToolsUser):
    """One simulated user of the service."""
