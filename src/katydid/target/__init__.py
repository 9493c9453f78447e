"""The embedded target: a local service with known, settable behaviour and a log of what it really did.

It exists so that the instrument can be proved right, and so that everything can be tried without a
model. Plain asyncio; it shares nothing with the generator but `model`.
"""
