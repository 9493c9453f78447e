"""The reference page on the public Python names."""

from cells import code, first_sentence, table, text

import katydid

_GROUPS = {
    "Users": "Base classes for the users in a locustfile: [write a workload](../how-to/workload.md).",
    "Workloads": "For your own workload: [write a metric](../how-to/metric.md).",
    "Options": "For a workload's options.",
    "Dialects": "For your own API: [write a dialect](../how-to/dialect.md).",
    "Runs": "To read runs in a notebook or a program; imports neither Locust nor gevent.",
}
_SAID = {
    "NOT_NEGATIVE": "A rule of an option: 0 or more.",
    "POSITIVE": "A rule of an option: more than 0.",
    "OpenAi": "OpenAI's chat completions API: the base class for APIs that are similar.",
    "PacedUser": "The base class of all users: it keeps a schedule, and records one sample per request.",
    "Message": "One message of a chat, in the format of the APIs: `role` and `content`.",
    "__version__": "Katydid's version.",
}
"""Descriptions of names that have no docstring, or one that is for readers of the code."""


def python() -> str:
    """The page of the public names."""
    rows: dict[str, list[list[str]]] = {group: [] for group in _GROUPS}
    for name in katydid.__all__:
        rows[_group(name)].append([code(name), text(_SAID.get(name) or first_sentence(getattr(katydid, name)))])
    head = ["name", "description"]
    parts = (f"## {group}\n\n{said}\n\n{table(head, rows[group])}\n" for group, said in _GROUPS.items())
    return f"""\
# From Python

`from katydid import …` imports these names. They are stable: a release that changes one says so in the changelog, and
keeps the old name for one more release. Names in modules below `katydid` may move in any release. A name is imported
when it is first used.

```python
import katydid

run = katydid.load_run("reports/stream/v1.2/20261121T090000Z")
run.samples().query("outcome == 'ok'")["ttft_ms"].quantile(0.95)
run.manifest().users, run.summary().metrics["ttft.p95"]  # keys are attributes, and keys: run.manifest()["users"]
```

{"".join(parts)}"""


def _group(name: str) -> str:
    home = katydid._HOME_OF.get(name, "")  # noqa: SLF001 - there is no public list of homes
    if name.endswith(("User", "Shape")) or name == "Sample":
        return "Users"
    if name in {"Finding", "Metric", "Rule", "Section", "Table", "Workload"}:
        return "Workloads"
    if home.endswith((".options", ".quantities")):
        return "Options"
    return "Dialects" if ".dialects" in home else "Runs"
