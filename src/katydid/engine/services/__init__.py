"""What the users of one process share to talk to a target: headers, prompts, a client."""
