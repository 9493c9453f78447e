"""Everything that runs inside Locust: generate the load and record the measurements.

The path of a request: a workload's user is a `user.PacedUser`; `load.schedule` says when it sends, and its `services`
say what. `measuring` turns the transport's exchange into a sample; `recorder` records it, after `stopping` has checked
the failure threshold; samples go in batches to the process that writes the run folder (`collector`). Locust's events
call all this through `plugin`.
"""
