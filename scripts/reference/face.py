"""The page on what there is to import."""

from cells import code, first_sentence, table, text

import katydid

_GROUPS = {
    "Users": "Base classes of a locustfile's users: [write a workload](../how-to/workload.md).",
    "Workloads": "What a workload of your own brings: [write a metric](../how-to/metric.md).",
    "Options": "What a workload's options are made of.",
    "Dialects": "What an API of your own is made of: [write a dialect](../how-to/dialect.md).",
    "Runs": "What a notebook or a program reads runs with; brings neither Locust nor gevent.",
}
_SAID = {
    "NOT_NEGATIVE": "A rule of an option: 0 or more.",
    "POSITIVE": "A rule of an option: more than 0.",
    "OpenAi": "OpenAI's chat completions: the base of an API that is nearly the same.",
    "PacedUser": "The base of all of them: it keeps its schedule, and leaves a sample a request.",
    "Message": "One message of a chat, as the APIs write it: `role` and `content`.",
    "__version__": "Katydid's version.",
}
"""What is said of those whose docstring is for readers of the code, or that have none."""


def python() -> str:
    """The public names."""
    rows: dict[str, list[list[str]]] = {group: [] for group in _GROUPS}
    for name in katydid.__all__:
        rows[_group(name)].append([code(name), text(_SAID.get(name) or first_sentence(getattr(katydid, name)))])
    parts = (f"## {group}\n\n{said}\n\n{table(['name', 'is'], rows[group])}\n" for group, said in _GROUPS.items())
    return f"""\
# From Python

`from katydid import …` gives these names. They stay where they are, and keep what they do: a release that must change
one says so in its changelog, and keeps the old one for a release beside it. What is imported from modules below
`katydid` may move with any release. A name is imported when it is first used.

```python
import katydid

run = katydid.load_run("reports/stream/v1.2/20261121T090000Z")
run.samples().query("outcome == 'ok'")["ttft_ms"].quantile(0.95)
run.manifest().users, run.summary().metrics["ttft.p95"]  # keys are attributes, and keys: run.manifest()["users"]
```

{"".join(parts)}"""


def _group(name: str) -> str:
    home = katydid._HOME_OF.get(name, "")  # noqa: SLF001 - ours
    if name.endswith(("User", "Shape")) or name == "Sample":
        return "Users"
    if name in {"Finding", "Metric", "Rule", "Section", "Table", "Workload"}:
        return "Workloads"
    if home.endswith((".options", ".quantities")):
        return "Options"
    return "Dialects" if ".dialects" in home else "Runs"
