"""Shows a run while it goes on: on a terminal, in Locust's web page, and to Prometheus."""
