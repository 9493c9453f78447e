"""Prompts from a file: reading entries in any common format, and choosing which one a request sends. Pure."""
