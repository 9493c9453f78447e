"""The figures of a run's summary.json once more, out of the rows of its folder, by the definitions of its report.

Shares no code with Katydid, so that both are wrong in the same way only by chance. Plain loops over plain values; NumPy
for arithmetic, pyarrow to read files. For runs without stages, at an interval, in a closed loop or at an even rate.

    python tests/support/recompute.py reports/stream/v1/RUN …   # what differs, and how many figures were compared
"""

import json
import math
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

QUANTILES = {"p50": (0.50, 7), "p90": (0.90, 44), "p95": (0.95, 90), "p99": (0.99, 459)}
"""With the values that each needs: 1 % is the chance that none of so many lies beyond it."""
COLUMNS = {
    "ttft": "ttft_ms", "ttfo": "ttfo_ms", "duration": "duration_ms", "gap": "gap_mean_ms", "gap_p99": "gap_p99_ms",
    "gap_max": "gap_max_ms", "connect": "connect_ms", "read_lag": "read_lag_ms", "conversation": "conversation_ms",
    "first_partial": "first_partial_ms", "final_latency": "final_latency_ms", "rtf": "rtf", "server_rtf": "server_rtf",
    "queue_pending": "queue_pending_max", "send_late": "send_late_ms",
}  # fmt: skip
LATE_MS = 50.0
ITL_ERROR = 1 / 256
"""Of values that a histogram gives."""


def rows_of(file):
    return pq.read_table(file).to_pylist() if file.exists() else []


def value(row, name):
    """A number, or None: also where it is no number."""
    found = row.get(name)
    return None if found is None or math.isnan(found) else float(found)


def end_of(row):
    start, duration = value(row, "start_ms"), value(row, "duration_ms")
    return value(row, "ended_ms") if start is None or duration is None else start + duration


class Recomputed:
    """The figures of one run."""

    def __init__(self, folder):
        folder = Path(folder)
        self.manifest = json.loads((folder / "manifest.json").read_text())
        told = self.manifest
        assert not told.get("stages"), "runs in stages are not recomputed"
        self.interval = 1000.0 * (told.get("interval_s") or 0.0)
        self.open, self.closed = (told.get("schedule") == schedule for schedule in ("rate", "closed"))
        self.stopped = told.get("ended") == "failure-threshold"
        rows = rows_of(folder / "samples.parquet")
        self.conversations = [row for row in rows if row.get("kind") == "iteration"]
        self.rows = [row for row in rows if row.get("kind") != "iteration"]
        self.counted = self.that_count(self.rows)
        self.ok = [row for row in self.counted if row["outcome"] == "ok"]
        self.window = self.when()
        self.seconds = max(0.0, self.window[1] - self.window[0]) / 1000.0
        self.late = max(LATE_MS, self.interval / 100.0)
        self.missed = self.never_sent()
        self.gaps = rows_of(folder / "gaps.parquet")
        self.monitor = rows_of(folder / "monitor.parquet")

    def that_count(self, rows):
        """All but failures after the stop and what started in the warm-up, unless nothing else would count."""
        in_time = [
            row for row in rows if not (row["after_stop"] and row["outcome"] == "failed") and row.get("role") is None
        ]
        settled = [row for row in in_time if not row["warm_up"]]
        return in_time if self.stopped or not settled else settled

    def when(self):
        """From the end of the warm-up, or the first request that counts, to the stop; milliseconds."""
        if not self.counted:
            return 0.0, 0.0
        warm_up = 1000.0 * (self.manifest.get("warm_up_s") or 0.0)
        begin = warm_up if min(row["scheduled_ms"] for row in self.counted) >= warm_up else 0.0
        starts = [row["scheduled_ms"] if value(row, "start_ms") is None else row["start_ms"] for row in self.counted]
        return begin, float(self.manifest.get("stopped_at_ms") or max(starts))

    def never_sent(self):
        """Response times of the requests that were due in the window and never sent."""
        begin, end = self.window
        if self.open:
            sent = {round(row["scheduled_ms"], 2) for row in self.rows}
            return [end - due for due in self.arrivals() if begin <= due and round(due, 2) not in sent]
        if not self.interval:
            return []
        found = []
        of_users: dict[int, list] = {}
        taken = set()
        for row in self.rows:
            if row["user"] >= 0 and (row["user"], row["iteration"]) not in taken:
                taken.add((row["user"], row["iteration"]))
                of_users.setdefault(row["user"], []).append(row)
        goes_on = self.manifest.get("ended") in ("run-time", "failure-threshold") and self.manifest.get("stopped_at_ms")
        for rows in of_users.values():
            rows.sort(key=lambda row: row["scheduled_ms"])
            for row, after in zip(rows, [*rows[1:], None], strict=True):
                until = after["scheduled_ms"] if after else end if goes_on else row["scheduled_ms"]
                if until - row["scheduled_ms"] <= self.interval + self.late:
                    continue
                due = row["scheduled_ms"] + self.interval
                while due < until - self.late:
                    if begin <= due < end:
                        own = value(row, "start_ms")
                        answered = end_of(row) if own is not None and own >= due else after and end_of(after)
                        found.append((end if answered is None else answered) - due)
                    due += self.interval
        return found

    def arrivals(self):
        """When requests of an even rate were due, until the stop."""
        assert self.manifest["arrivals"] == "even", "other arrivals are not recomputed"
        begin, gap = self.manifest.get("arrivals_begin_ms") or 0.0, 1000.0 / self.manifest["rate_per_s"]
        most = int((self.window[1] - begin) / gap) + 2
        most = min(most, self.manifest.get("options", {}).get("requests") or most)
        return [at for at in (begin + gap * number for number in range(most)) if at < self.window[1]]

    def figures(self):
        """Every figure by its flat name."""
        ok = self.ok
        found = {}
        for name, column in COLUMNS.items():
            values = [value(row, column) for row in ok if value(row, column) is not None]
            if name == "ttfo" and not any(
                (value(r, column) or 0) > (value(r, "ttft_ms") or math.inf) for r in self.rows
            ):
                values = []  # no model reasoned first
            found |= statistics(name, values)
        late = {id(row): None if self.closed else value(row, "late_ms") for row in self.rows}
        whole = [(late[id(row)], value(row, "duration_ms")) for row in ok]
        response = [a + b for a, b in whole if a is not None and b is not None]
        found |= statistics("late", [late[id(row)] for row in ok if late[id(row)] is not None])
        found |= statistics("response", response)
        paced = bool(self.interval) and not self.open
        found |= statistics("response_corrected", response + self.missed if paced or self.open else [])
        tokens = [(value(row, "completion_tokens"), row) for row in ok]
        found |= statistics("tpot", [
            (row["duration_ms"] - row["ttft_ms"]) / (count - 1)
            for count, row in tokens
            if count is not None and count > 1 and value(row, "ttft_ms") is not None
        ])  # fmt: skip
        found |= statistics("user_tokens", [
            1000.0 * count / row["duration_ms"] for count, row in tokens if count is not None and row["duration_ms"] > 0
        ])  # fmt: skip
        return found | self.itl() | self.rates(response, late, paced=paced) | self.at_stop()

    def itl(self):
        """Of a histogram: a bucket is the upper half of a 32-bit float, and stands for its middle."""
        buckets: dict[int, int] = {}
        for row in self.gaps:
            if self.stopped or not row["warm_up"]:
                buckets[row["bucket"]] = buckets.get(row["bucket"], 0) + row["count"]
        bits = np.array(sorted(buckets), dtype=np.uint32)
        edges = np.stack([bits << 16, (bits + 1) << 16]).view(np.float32).astype(float)
        middles = np.where(bits == 0, 0.0, edges.mean(axis=0)) if len(bits) else np.array([])
        values = np.repeat(1000.0 * middles, [buckets[int(each)] for each in bits])
        return statistics("itl", list(values))

    def rates(self, response, late, *, paced):
        counted, ok, seconds = self.counted, self.ok, self.seconds
        ended = [row["outcome"] for row in counted if row["outcome"] in ("ok", "failed")]
        failed, total = ended.count("failed"), len(counted)
        good = sum(each <= self.interval for each in response) if paced else None
        talks = [row["outcome"] for row in self.that_count(self.conversations)]
        talks = [outcome for outcome in talks if outcome in ("ok", "failed")]
        sent_again = [bool(row["resent"]) for row in counted if row.get("resent") is not None]
        told = [value(row, "prompt_tokens") for row in ok if value(row, "prompt_tokens") is not None]
        timed = [row for row in ok if value(row, "ttft_ms") is not None]
        late_ones = sum((late[id(row)] or 0.0) > self.late for row in counted)
        due = self.due()
        return {
            "failure_rate": share(failed, len(ended)),
            "goodput": None if good is None else share(good, len(ended) + len(self.missed)),
            "goodput_per_s": None if good is None else share(good, seconds),
            "conversations_ok": share(talks.count("ok"), len(talks)),
            "late_share": None if self.closed else share(late_ones, total),
            "unserved_share": share(len(self.missed), due or 0.0) if self.open else None,
            "aborted_share": share(sum(row["outcome"] == "aborted" for row in counted), total),
            "resent_share": share(sum(sent_again), total) if sent_again else None,
            "offered_per_s": None if due is None else share(due, seconds),
            "requests_per_s": share(total, seconds),
            "chunks_per_s": self.a_second("chunks"),
            "tokens_per_s": self.a_second("completion_tokens"),
            "tokens_per_chunk": self.tokens_per_chunk(),
            "input_tokens_per_s": share(sum(told), seconds) if told else None,
            "ttft_bound_share": share(sum(row["ttft_bound"] is True for row in timed), len(timed)),
        }

    def due(self):
        """Requests that were due in the window."""
        begin, end = self.window
        if self.open:
            return float(sum(at >= begin for at in self.arrivals())) if end > begin else None
        if not self.interval or end <= begin:
            return None
        users = self.manifest.get("users")
        if self.manifest.get("ramp_per_s") and users:
            first: dict[int, float] = {}
            for row in self.rows:
                if row["user"] >= 0 and row.get("role") is None:
                    first[row["user"]] = min(row["scheduled_ms"], first.get(row["user"], math.inf))
            starts = (at + self.interval * k for at in first.values() for k in range(int(end / self.interval) + 1))
            return float(sum(begin <= at <= end for at in starts))
        if not self.monitor:
            return users * self.seconds * 1000.0 / self.interval if users else None
        seen: dict[str, list] = {}
        for row in self.monitor:
            if begin < row["at_ms"] <= end and row["process"] != "master":
                seen.setdefault(row["process"], []).append(row["users"])
        if not seen:
            return None
        return sum(sum(each) / len(each) for each in seen.values()) * (end - begin) / self.interval

    def a_second(self, column):
        """Of a count that arrived in the window; an answer's evenly from its first token to its last byte."""
        begin, end = self.window
        total, any_ = 0.0, False
        known_end = bool(self.manifest.get("stopped_at_ms"))
        for row in self.rows if known_end else self.ok:
            count, last = value(row, column), end_of(row)
            if row["outcome"] != "ok" or row.get("role") is not None or count is None:
                continue
            any_ = True
            if not known_end:
                total += count
                continue
            first = last if value(row, "ttft_ms") is None else min(row["start_ms"] + row["ttft_ms"], last)
            if last > first:
                total += count * max(0.0, min(last, end) - max(first, begin)) / (last - first)
            elif begin <= last <= end:
                total += count
        return share(total, self.seconds) if any_ else None

    def tokens_per_chunk(self):
        tokens = chunks = 0.0
        for row in self.ok:
            count, pieces = value(row, "completion_tokens"), value(row, "chunks")
            if count is None or not pieces:
                continue
            streamed = (value(row, "ttfo_ms") or 0.0) > (value(row, "ttft_ms") or math.inf)
            hidden = 0.0 if streamed or "ttfo_ms" not in row else value(row, "reasoning_tokens") or 0.0
            tokens, chunks = tokens + count - hidden, chunks + pieces
        return tokens / chunks if chunks else None

    def at_stop(self):
        names = ("users_at_stop", "in_flight_at_stop", "requests_at_stop", "ok_at_stop", "time_to_stop")
        stop = self.manifest.get("stopped_at_ms")
        if not self.stopped or stop is None:
            return dict.fromkeys(names)
        load = [row for row in self.rows if row.get("role") is None]
        started = [
            row for row in load if (value(row, "start_ms") or 0.0) <= stop and value(row, "start_ms") is not None
        ]
        users = len({row["user"] for row in started if row["user"] >= 0})
        flying = sum(row["after_stop"] and not (end_of(row) or math.inf) <= stop for row in started)
        ok = sum(row["outcome"] == "ok" for row in started)
        if not users:
            return dict.fromkeys(names)
        held = None if self.open else float(users)
        return dict(zip(names, (held, float(flying), float(len(started)), float(ok), float(stop)), strict=True))


def share(part, whole):
    return part / whole if whole else None


def statistics(name, values):
    """A quantile is the smallest value that at least its share does not exceed, where there are enough of them."""
    values = np.sort(np.asarray(values, dtype=float))
    found = {f"{name}.{which}": None for which in (*QUANTILES, "mean", "min", "max")}
    if len(values):
        found |= {f"{name}.mean": values.mean(), f"{name}.min": values[0], f"{name}.max": values[-1]}
    for which, (q, fewest) in QUANTILES.items():
        if len(values) >= fewest:
            found[f"{name}.{which}"] = values[math.ceil(round(q * len(values), 9)) - 1]
    return found


def differences(folder):
    """What summary.json says otherwise, a line a figure; and how many figures were compared."""
    folder = Path(folder)
    told = json.loads((folder / "summary.json").read_text())["metrics"]
    ours = Recomputed(folder).figures()
    lines, compared = [], 0
    for name, theirs in told.items():
        mine = ours.get(name)
        compared += name in ours and theirs is not None
        error = 1e-9 if not name.startswith("itl.") else 2 * ITL_ERROR
        both = None not in (mine, theirs)
        same = math.isclose(mine, theirs, rel_tol=error, abs_tol=1e-9) if both else mine is theirs
        if not same:
            lines.append(f"{name}: {theirs} in summary.json, {mine} recomputed")
    return lines, compared


if __name__ == "__main__":
    failed = False
    for path in sys.argv[1:]:
        found, count = differences(path)
        print(f"{path}: {count} figures compared, {len(found)} differ")
        print("".join(f"  {line}\n" for line in found), end="")
        failed |= bool(found)
    sys.exit(failed)
