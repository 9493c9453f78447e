"""A run of several processes: what workers may tell their master, and who of them is there."""

from locust.runners import MasterRunner


def connected(master: MasterRunner) -> set[str]:
    """Ids of the workers that are there: connected, and not out of touch."""
    clients = master.clients
    return {client.id for client in clients.all} - {client.id for client in clients.missing}


def name_of(master: MasterRunner, client: str) -> str:
    """A worker's name in samples, monitor rows and messages, by its id."""
    return f"worker-{master.get_worker_index(client)}"
