"""The pure heart: bytes, numbers and records in, events and verdicts out.

Nothing here knows about gevent, Locust, sockets, clocks or files.
"""
