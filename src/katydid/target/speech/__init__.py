"""The embedded target's speech service: a gateway, a queue of audio chunks, and worker processes.

`apis.py`: messages between clients and the gateway. `gateway.py`: streams, each over one WebSocket. `pool.py`: the
queue and the workers. `worker.py` and `sphinx.py`: the code of worker processes.
"""
