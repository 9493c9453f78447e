"""The users that make the load, and what runs around them. The only package that knows Locust.

One request's way: a workload (`stream`) is a `paced` user; its schedule is `core.pacing`; what it
sends comes from its `service` (`chat`); the transport's exchange becomes a sample in `measuring`; the
sample goes to `recording`, past the failure threshold in `stopping`, and in batches to the process
that keeps the run folder (`collecting`). `lifecycle` is where Locust's events call all this.
"""
