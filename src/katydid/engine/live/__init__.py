"""What can be seen of a run while it goes on: on a terminal, in Locust's page, by Prometheus."""
