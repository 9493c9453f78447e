"""How many requests a server works on, by the pages of those that people run."""

import pytest

from katydid.protocol.occupancy import of_metrics, of_slots

VLLM = b"""# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="m"} 3.0
vllm:num_requests_waiting{engine="0",model_name="m"} 2.0
vllm:num_requests_waiting_by_reason{reason="capacity"} 2.0
vllm:num_requests_swapped{model_name="m"} 7.0
"""
SGLANG = b'sglang:num_running_reqs{model_name="m"} 4.0\nsglang:num_queue_reqs{model_name="m"} 1.0\n'
LLAMA = b"# HELP llamacpp:requests_processing Number\nllamacpp:requests_processing 2\nllamacpp:requests_deferred 1\n"


@pytest.mark.parametrize(
    ("page", "count"),
    [
        (VLLM, 5),
        (VLLM.replace(b"vllm:", b"ray_vllm_"), 5),
        (SGLANG, 5),
        (LLAMA, 3),
        (b"tgi_batch_current_size 6\ntgi_queue_size 0\n", 6),
        (b'lmdeploy:num_requests_running{engine="0"} 2\nlmdeploy:num_requests_running{engine="1"} 3\n', 5),
        (b"katydid_target_requests_running 1\nkatydid_target_requests_waiting 0", 1),
        (b"vllm:num_requests_running 0.0\r\n", 0),
        (b"process_cpu_seconds_total 4.0\n", None),
        (b"# vllm:num_requests_running 3\n", None),
        (b"vllm:num_requests_running NaN\n", None),
        (b"vllm:num_requests_running 1e999\n", None),
        (b"vllm:num_requests_running e\n", None),
        (b"", None),
    ],
)
def test_metrics(page, count):
    assert of_metrics(page) == count


@pytest.mark.parametrize(
    ("page", "count"),
    [
        (b'[{"id":0,"is_processing":true},{"id":1,"is_processing":false}]', 1),
        (b'[{"id":0,"state":1},{"id":1,"state":0}]', 1),
        (b'[{"id":0,"is_processing":false}]', 0),
        (b"[]", None),
        (b'{"error":{"message":"no slots"}}', None),
        (b'[{"id":0}]', None),
        (b"[7]", None),
        (b"<html>", None),
    ],
)
def test_slots(page, count):
    assert of_slots(page) == count
