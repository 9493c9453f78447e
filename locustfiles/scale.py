"""A sweep over stages with more and more users: success, throughput, resources, and the highest load sustained.

katydid run scale --host http://127.0.0.1:8080 --stages 100,200,1000,10000
locust -f locustfiles/scale.py
"""

from katydid import ScaleShape, ScaleUser


class Scale(ScaleUser):
    """One simulated user of the service."""


__all__ = ["Scale", "ScaleShape"]
