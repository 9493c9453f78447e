"""Traces: recorded requests with their times and lengths, from reading a file to replaying it. Pure."""
