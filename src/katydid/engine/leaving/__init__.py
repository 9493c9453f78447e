"""Clients that leave on purpose: how a client disconnects, and what the target does then."""
