"""The embedded target's speech service: a gateway, a queue of audio chunks, and worker processes.

`base.py`: what clients and the gateway say to each other. `gateway.py`: one stream over one WebSocket.
`pool.py`: the queue and the workers. `worker.py`: what a worker process runs.
"""
