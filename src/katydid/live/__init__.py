"""What can be seen of a run while it goes on: figures for Locust's page, metrics for Prometheus.

Fed with the same batches of rows that the run folder gets. Knows no page, no server and no Locust.
"""
