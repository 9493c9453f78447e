"""`--record-events` and `katydid report --definitions`, end to end."""

import pytest

from running import katydid, the_run

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_every_event_is_kept_and_the_tools_definitions_are_computed_from_them(tmp_path):
    run = katydid(
        "run", "stream", "--embedded-target=--ttft 50ms --chunks 6 --chunk-interval 10ms", "--record-events",
        "--users", 4, "--interval", 0.5, "--run-time", "3s", "--warm-up", 0, "--processes", 2, folder=tmp_path,
    )  # fmt: skip
    run.wait()
    found = the_run(tmp_path)
    events = found.path / "events.parquet"
    import pandas as pd

    kept = pd.read_parquet(events)
    samples = found.samples.set_index("request_id")
    assert set(kept["request_id"]) == set(samples.index)
    each = kept.groupby("request_id")["kind"].agg(list)
    assert {tuple(kinds) for kinds in each} == {("empty", *["text"] * 6, "finish", "usage", "done")}
    first = kept[kept["kind"] == "text"].groupby("request_id")["at_ms"].min()
    assert ((first - samples["start_ms"]) - samples["ttft_ms"]).abs().max() < 1e-6
    last = kept.groupby("request_id")["at_ms"].max() - samples["start_ms"]
    assert (samples["duration_ms"] - last).min() >= -1e-6

    report = katydid("report", found.path, "--definitions", "all", folder=tmp_path)
    assert report.wait() in {0, 4}
    assert "By other tools' definitions" in (found.path / "report.html").read_text().replace("&#39;", "'")
    for tool in ("vllm", "aiperf", "guidellm", "genai-bench"):
        assert tool in report.out


def test_a_run_without_events_is_told_how_to_get_them(tmp_path):
    from folders import write_version

    (folder,) = write_version(tmp_path / "stream", "v1", [0.0])
    report = katydid("report", folder.path, "--definitions", "vllm", folder=tmp_path)
    assert report.wait() == 4
    assert "--record-events" in report.err
