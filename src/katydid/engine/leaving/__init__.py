"""Clients that leave on purpose: how one hangs up, and what the target then does."""
