"""Erlang's formulas for queues with one line and several servers. Knows nothing about speech, runs or clocks.

Loads are in erlang: server-seconds of work that arrive per second. Times are in seconds. Sources: A. K. Erlang (1917),
as in L. Kleinrock, Queueing Systems I (1975), section 3.5 (M/M/m).
"""

import math


def servers_for(load: float, utilisation: float) -> int:
    """The fewest servers that are busy for at most a share `utilisation` of the time.

    With load = concurrency × real-time factor, this is the usual capacity-planning formula:
    workers = concurrency × RTF / utilisation.
    """
    return max(1, math.ceil(load / utilisation - 1e-9))


def erlang_b(servers: int, load: float) -> float:
    """Share of arrivals that find all servers busy in a system without a queue (M/M/c/c), by recursion over c."""
    blocked = 1.0
    for server in range(1, servers + 1):
        blocked = load * blocked / (server + load * blocked)
    return blocked


def erlang_c(servers: int, load: float) -> float:
    """Share of arrivals that must wait (M/M/c); 1 if the load reaches what the servers can do."""
    if load >= servers:
        return 1.0
    blocked = erlang_b(servers, load)
    return blocked / (1.0 - load / servers * (1.0 - blocked))


def wait_quantile(servers: int, load: float, service: float, q: float) -> float:
    """The wait that a share `q` of arrivals does not exceed (M/M/c); infinite if the queue grows without bound.

    P(wait > t) = C(c, a) · exp(−(c − a) · t / service).
    """
    if load >= servers:
        return math.inf
    waiting = erlang_c(servers, load)
    if waiting <= 1.0 - q:
        return 0.0
    return math.log(waiting / (1.0 - q)) * service / (servers - load)


def burst_seconds(servers: int, jobs: int, service: float) -> float:
    """Seconds until `jobs` of equal length are done that all arrive at once; `servers` of them are served at a time."""
    return math.ceil(jobs / servers) * service


def burst_share(servers: int, jobs: int, service: float, patience: float) -> float:
    """Share of such a burst that is done within `patience` seconds."""
    rounds = math.floor(patience / service + 1e-9)
    return min(1.0, rounds * servers / jobs)
