"""Shows a run while it goes on: on a terminal, in Locust's web UI, and to Prometheus."""
