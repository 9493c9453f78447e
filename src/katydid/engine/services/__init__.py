"""The connection of one process's users to a target: prompts, clients, and the preflight check before the load."""
