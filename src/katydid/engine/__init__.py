"""What lives inside Locust: it makes the load, and keeps what it measured.

One request's way: a workload's user is a `user.PacedUser`; its schedule is `load.pacing`; what it sends comes from its
`services`; the transport's exchange becomes a sample in `measuring`; the sample goes to `recorder`, past the failure
threshold in `stopping`, and in batches to the process that keeps the run folder (`collector`). `plugin` is where
Locust's events call all this.
"""
