"""The table of failures, and advice on requests that the target rejects because of the configuration.

Each sample blames the target when it is written, because the outcome of the other requests is not known yet. If every
answer of the whole run has one of CONFIG_STATUSES, the address, key, model or body is wrong instead.
"""

import re

import numpy as np
import pandas as pd

from katydid.analysis.derived import ends_ms, failed_later, of_the_load
from katydid.model.documents.summary import ErrorRow
from katydid.model.sample import Blame, ErrorClass

MOST_PROMPTS = 5
"""The most prompts to list if only they fail."""
MOST_ERRORS = 30
"""The most rows of the table; there are 21 classes, but a file may have unknown ones."""

CONFIG_STATUSES = frozenset({400, 401, 403, 404, 405, 415, 422})
_CERTIFICATE = re.compile(r"SSL certificate|(client|peer)[ -]certificate|certificate (is )?required", re.IGNORECASE)
"""What nginx, Apache and Envoy answer if the client certificate is missing or wrong."""
_MODEL = re.compile(r"\bmodels?\b", re.IGNORECASE)


def refused(frame: pd.DataFrame) -> bool:
    """Return True if every request of the load that got an answer was rejected with one of CONFIG_STATUSES."""
    if "status" not in frame:
        return False
    load = frame[of_the_load(frame)]
    answered = load[load["status"].notna()]
    so = answered["status"].isin(CONFIG_STATUSES) & (answered["outcome"] != "ok")
    return bool(len(so) and so.all())


def with_blame(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows with `blame` corrected by what the whole run shows."""
    if not refused(frame):
        return frame
    ours = frame["status"].isin(CONFIG_STATUSES) & (frame["outcome"] == "failed")
    return frame.assign(blame=np.where(ours, Blame.CONFIG.value, frame["blame"].astype(object)))


def wants_client_certificate(text: str) -> bool:
    """Return True if a rejection says that the client certificate is missing or wrong."""
    return bool(_CERTIFICATE.search(text))


def what_to_check(status: int, text: str) -> str:
    """What to check after a rejection, as an imperative.

    Args:
        status: one of CONFIG_STATUSES.
        text: of the target's answer.
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
    """Failures by class and blame, most frequent first, each with an example; includes the warm-up."""
    in_time, failures = ~failed_later(frame), frame["outcome"] == "failed"
    failed = frame[in_time & failures]
    ended = int((in_time & (failures | (frame["outcome"] == "ok"))).sum())
    groups = failed.groupby(["error", "blame"], dropna=False, sort=False, observed=True)
    rows = [_error(error, blame, group, ended) for (error, blame), group in groups]
    rows.sort(key=lambda row: row.count, reverse=True)
    return rows[:MOST_ERRORS]


def _error(error: object, blame: object, group: pd.DataFrame, ended: int) -> ErrorRow:
    """One row of the table; its example is the first failure with a text among those with the most frequent status."""
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
    """The prompts of these failures, if they are few and each failed more than once."""
    if "prompt_id" not in group or group["prompt_id"].isna().any():
        return None
    times = group.drop_duplicates(["user", "iteration"])["prompt_id"].value_counts()
    return sorted(times.index.astype(str)) if 0 < len(times) <= MOST_PROMPTS and times.min() > 1 else None
