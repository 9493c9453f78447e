"""The embedded target: a local service with configurable behaviour, and a log of the ground truth.

Its purpose is to prove Katydid's measurements right, and to try everything without a model. It is plain asyncio, and
shares no measuring code with the generator: it imports only `protocol` and `model`.
"""
