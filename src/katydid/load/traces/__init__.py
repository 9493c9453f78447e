"""Traces: requests of the past with their instants and lengths, from a file to their replay. Pure."""
