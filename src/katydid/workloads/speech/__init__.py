"""The workload `speech`: a stream of audio over a WebSocket a request, at the pace of speaking."""

from katydid.model.workload import Workload, register

register(Workload(name="speech", user="katydid.workloads.speech.user:SpeechUser"))
