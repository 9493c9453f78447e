"""The table of failures, and those of requests that a target refuses because of how it is asked: what to check then.

A row is written before it is known whether all others are refused too, and blames the target. Once all are known, a
status of CONFIG_STATUSES on every request that got an answer tells of the address, the key, the model or the body.
"""

import re

import numpy as np
import pandas as pd

from katydid.analysis.derived import ends_ms, failed_later, of_the_load
from katydid.model.documents.summary import ErrorRow
from katydid.model.sample import Blame, ErrorClass

MOST_PROMPTS = 5
"""That are named where they alone fail."""
MOST_ERRORS = 30
"""Rows of the table; there are 21 classes, but a file may hold what we do not know."""

CONFIG_STATUSES = frozenset({400, 401, 403, 404, 405, 415, 422})
_CERTIFICATE = re.compile(r"SSL certificate|(client|peer)[ -]certificate|certificate (is )?required", re.IGNORECASE)
"""In what nginx, Apache and Envoy answer where a client has shown none, or a wrong one."""
_MODEL = re.compile(r"\bmodels?\b", re.IGNORECASE)


def refused(frame: pd.DataFrame) -> bool:
    """Whether every request that got an answer was refused so; rows with a `role` are not requests of the load."""
    if "status" not in frame:
        return False
    load = frame[of_the_load(frame)]
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


def error_rows(frame: pd.DataFrame) -> list[ErrorRow]:
    """Failures by class and blame, most frequent first, each with one example; warm-up included."""
    in_time, failures = ~failed_later(frame), frame["outcome"] == "failed"
    failed = frame[in_time & failures]
    ended = int((in_time & (failures | (frame["outcome"] == "ok"))).sum())
    groups = failed.groupby(["error", "blame"], dropna=False, sort=False, observed=True)
    rows = [_error(error, blame, group, ended) for (error, blame), group in groups]
    rows.sort(key=lambda row: row.count, reverse=True)
    return rows[:MOST_ERRORS]


def _error(error: object, blame: object, group: pd.DataFrame, ended: int) -> ErrorRow:
    """The example is the first failure of a group that says something, of its most frequent status."""
    statuses = group["status"].dropna()
    status = int(statuses.mode().iloc[0]) if len(statuses) else None
    rows = group if status is None else group[group["status"] == status]
    told = rows[rows["detail"].notna()]
    first = (told if len(told) else rows).iloc[0]
    detail = first["detail"] if isinstance(first["detail"], str) else None
    asks = status in CONFIG_STATUSES and first["blame"] == Blame.CONFIG
    return ErrorRow(
        error=error if isinstance(error, str) else ErrorClass.OTHER.value,
        blame=blame if isinstance(blame, str) else None,
        count=len(group),
        share=len(group) / ended,
        first_ms=float(ends_ms(group).fillna(group["scheduled_ms"]).min()),
        example=detail,
        status=status,
        name=str(first["name"]),
        check=what_to_check(status, detail or "") if status is not None and asks else None,
        prompts=_failing_prompts(group),
    )


def _failing_prompts(group: pd.DataFrame) -> list[str] | None:
    """Prompts of which each failed more than once, where no other failed so."""
    if "prompt_id" not in group or group["prompt_id"].isna().any():
        return None
    times = group.drop_duplicates(["user", "iteration"])["prompt_id"].value_counts()
    return sorted(times.index.astype(str)) if 0 < len(times) <= MOST_PROMPTS and times.min() > 1 else None
