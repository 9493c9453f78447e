"""The workers of a run of several processes: their messages to the master, and their presence."""

from locust.runners import MasterRunner


def connected(master: MasterRunner) -> set[str]:
    """Ids of the workers that are connected and not missing."""
    clients = master.clients
    return {client.id for client in clients.all} - {client.id for client in clients.missing}


def name_of(master: MasterRunner, client: str) -> str:
    """A worker's name in samples, monitor rows and messages, given its id."""
    return f"worker-{master.get_worker_index(client)}"
