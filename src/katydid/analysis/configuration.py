"""Requests that a target refuses because of how it is asked: the configuration is to blame, and what to check in it.

A row is written before it is known whether all others are refused too, and blames the target. Once all are known, a
status of CONFIG_STATUSES on every request that got an answer tells of the address, the key, the model or the body.
"""

import re

import numpy as np
import pandas as pd

from katydid.model.sample import Blame

CONFIG_STATUSES = frozenset({400, 401, 403, 404, 405, 415, 422})
_CERTIFICATE = re.compile(r"SSL certificate|(client|peer)[ -]certificate|certificate (is )?required", re.IGNORECASE)
"""In what nginx, Apache and Envoy answer where a client has shown none, or a wrong one."""
_MODEL = re.compile(r"\bmodels?\b", re.IGNORECASE)


def refused(frame: pd.DataFrame) -> bool:
    """Whether every request that got an answer was refused so; rows with a `role` are not requests of the load."""
    if "status" not in frame:
        return False
    load = frame[frame["role"].isna()] if "role" in frame else frame
    answered = load[load["status"].notna()]
    so = answered["status"].isin(CONFIG_STATUSES) & (answered["outcome"] != "ok")
    return bool(len(so) and so.all())


def with_blame(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows with whom to blame, seen from the whole run."""
    if not refused(frame):
        return frame
    ours = frame["status"].isin(CONFIG_STATUSES) & (frame["outcome"] == "failed")
    return frame.assign(blame=np.where(ours, Blame.CONFIG.value, frame["blame"].astype(object)))


def wants_client_certificate(text: str) -> bool:
    """Whether a refusal speaks of the certificate that we have not shown, or that is no good."""
    return bool(_CERTIFICATE.search(text))


def what_to_check(status: int, text: str) -> str:
    """What a refusal asks to look at, as an imperative.

    Args:
        status: one of CONFIG_STATUSES.
        text: what the target said with it.
    """
    if wants_client_certificate(text):
        return "check --client-cert"
    if status in {401, 403}:
        return "check the key in LOAD_TEST_API_KEY"
    if status in {400, 404, 422} and _MODEL.search(text):
        return "check --model"
    if status in {404, 405}:
        return "check --host and --endpoint"
    if status == 415:
        return "check --api and --endpoint"
    return "check --api, --model and the fields of the body"
