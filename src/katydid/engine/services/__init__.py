"""What the users of one process share to talk to a target: prompts, a client, and the look before the load."""
