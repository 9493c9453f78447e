"""Read how many requests a server is working on, from its `/metrics` or `/slots`. Pure.

Queued requests count too. The series are those of vLLM (also under Ray), SGLang, llama.cpp, Text Generation Inference,
LMDeploy and the embedded target.
"""

import json
import re

_SERIES = re.compile(
    rb"^(?:ray_)?(?:vllm[:_]num_requests_(?:running|waiting)|sglang[:_]num_(?:running|queue)_reqs"
    rb"|llamacpp:requests_(?:processing|deferred)|tgi_(?:batch_current_size|queue_size)"
    rb"|lmdeploy:num_requests_(?:running|waiting)|katydid_target_requests_(?:running|waiting))"
    rb"(?:\{[^}]*\})?[ \t]+([0-9.eE+-]+)",
    re.MULTILINE,
)
"""A line of Prometheus' text format; the group is its value."""
_IDLE = 0
"""The state number of an idle slot in older versions of llama.cpp."""


def of_metrics(page: bytes) -> int | None:
    """Running plus waiting requests, summed over all labels; None if the page has no series that we know."""
    try:
        values = [float(value) for value in _SERIES.findall(page)]
        return round(sum(values)) if values else None
    except (ValueError, OverflowError):
        return None


def of_slots(page: bytes) -> int | None:
    """Busy slots of llama.cpp's server; None if the page is not a list of its slots."""
    try:
        slots = json.loads(page)
    except ValueError:
        return None
    if not isinstance(slots, list) or not slots:
        return None
    states = [_state(slot) for slot in slots]
    return None if None in states else sum(map(bool, states))


def _state(slot: object) -> bool | None:
    """Return True if a slot is busy; None if it does not say."""
    if not isinstance(slot, dict):
        return None
    if isinstance(processing := slot.get("is_processing"), bool):
        return processing
    state = slot.get("state")
    return state != _IDLE if isinstance(state, int) else None
