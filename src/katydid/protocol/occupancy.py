"""How many requests a server is working on, by what it says of itself: `/metrics` and `/slots`. Pure.

Requests in its queue count: they are its clients' as well. Names are those of vLLM (also under Ray), SGLang, llama.cpp,
Text Generation Inference, LMDeploy, and of the embedded target.
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
"""A line of Prometheus' text format, with its value."""
_IDLE = 0
"""Of the number that older llama.cpp has for a slot's state."""


def of_metrics(page: bytes) -> int | None:
    """Requests that run and wait, the sums over all label values; None where no series that we know says so."""
    try:
        values = [float(value) for value in _SERIES.findall(page)]
        return round(sum(values)) if values else None
    except (ValueError, OverflowError):
        return None


def of_slots(page: bytes) -> int | None:
    """Slots of llama.cpp's server that are taken; None where the page is not its."""
    try:
        slots = json.loads(page)
    except ValueError:
        return None
    if not isinstance(slots, list) or not slots:
        return None
    states = [_state(slot) for slot in slots]
    return None if None in states else sum(map(bool, states))


def _state(slot: object) -> bool | None:
    """Whether a slot is taken."""
    if not isinstance(slot, dict):
        return None
    if isinstance(processing := slot.get("is_processing"), bool):
        return processing
    state = slot.get("state")
    return state != _IDLE if isinstance(state, int) else None
