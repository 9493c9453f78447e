"""Whether the load was the one that was asked for, from the first request to the last, and all of it was recorded."""

import pandas as pd

from katydid.analysis.derived import warm_up_counts, was_stopped
from katydid.analysis.validity.rule import Run, found_no_user, has_plan, rule
from katydid.model.documents.summary import Finding, Severity
from katydid.model.formatting import plural
from katydid.model.metrics.declared import catalogue_of

_RATE_OFF = 0.02
_POOL_SHARE, _POOL_FEWEST = 0.01, 3
_LOST = 0.02
_UNFINISHED = 0.005
_RESENT = 0.01
_REMEDIES = {
    "out_of_descriptors": "raise `ulimit -n`",
    "out_of_ports": "keep connections alive, or use more machines",
    "auth_expired": "set LOAD_TEST_API_KEY_COMMAND, or use a key that lasts as long as the run",
    "dns": "check the host's name in --host",
    "tls": "check the certificates: --ca-file for the target's authority, --client-cert for the client's own",
}


@rule("at least 1 request", "no verdict without data")
def data(run: Run) -> Finding | None:
    if run.counts.requests:
        return None
    return Finding(
        "invalid",
        "no data: no request was recorded",
        "make the run longer than --interval, or see the log: was any user spawned?",
    )


@rule(
    "within 2 % of the offered load, less the starts that slow answers delayed",
    "lost users leave a lighter load than was asked for",
    possible=has_plan,
)
def achieved_load(run: Run) -> Finding | None:
    if run.manifest.is_open:
        return _all_taken(run)
    due, rows = run.counts.due, run.counted
    started = int(rows["paced"].sum())
    if not due or not started or not has_plan(run):
        return None
    slack = _RATE_OFF * due + rows["user"].nunique()  # the window cuts each user's grid at both ends
    enough = started >= due - slack or started >= due - _explained(run, rows) - slack
    if enough and started <= due + slack:
        return None
    return Finding(
        "invalid",
        f"users started {plural(started, 'request')}, but {due:.0f} were due, and slow answers do not explain it",
        "check whether users were lost (the log names them)",
    )


def _all_taken(run: Run) -> Finding | None:
    """Arrivals of a rate that were never sent although users were free."""
    due, missing = run.counts.due or 0.0, run.counts.unserved or 0
    if missing <= _RATE_OFF * due + 1 or found_no_user(run.counted).any():
        return None
    return Finding(
        "invalid",
        f"the generator never sent {missing} of {plural(round(due), 'due request')}, although users were free",
        "check whether a process was lost or stalled (the log names it)",
    )


@rule("the number of users does not change during the run", "statistics over two loads describe neither")
def users_changed(run: Run) -> Finding | None:
    if not (changes := run.manifest.users_changed):
        return None
    told = ", ".join(f"{plural(change.users, 'user')} from {change.at_ms / 1000:.0f} s" for change in changes)
    return Finding(
        "invalid",
        f"the number of users was changed during the run: {plural(run.manifest.users or 0, 'user')}, then {told}",
        "make one run per load, or use stages or `katydid capacity` for several loads in one run",
    )


def users_stay(run: Run) -> bool:
    """Return True if users should stay until the end of the run once they have started."""
    told = run.manifest
    ends = told.ended == "run-time" and not told.stages and not told.users_leave and not told.users_changed
    return bool(told.users) and ends and not run.generator.empty


@rule(
    "≤ 2 % of the users' time lost to users that ended before the run did",
    "the remaining users send less than was asked for",
    possible=users_stay,
)
def users_lost(run: Run) -> Finding | None:
    if not users_stay(run):
        return None
    asked, (begin, end) = run.manifest.users or 0, run.window
    processes = run.generator[run.generator["process"] != "master"]  # it has no users, and reports those of all workers
    seen = processes[processes["at_ms"].between(begin, end)]
    seconds = seen.assign(second=seen["at_ms"] // 1000.0).pivot_table("users", "second", "process", "last")
    there = seconds.ffill().sum(axis=1)  # over all processes: Locust moves users away from a worker out of touch
    missing = (there.cummax().clip(upper=asked) - there).clip(lower=0.0)  # in a ramp, some are still to come
    if missing.empty or missing.mean() <= _LOST * asked:
        return None
    return Finding(
        "invalid",
        f"{missing.max():.0f} of {plural(asked, 'user')} ended before the run did",
        "see the log for the cause; a workload whose users may leave must set ends_itself",
    )


@rule(
    "at a rate, ≤ 1 % of the requests without a free user when due",
    "the target got fewer requests than the rate asks for, and later",
)
def pool(run: Run) -> Finding | None:
    late, never = int(found_no_user(run.counted).sum()), run.counts.unserved or 0
    due = run.counts.due or 0.0
    if not run.manifest.is_open or run.manifest.stages or late + never <= max(_POOL_FEWEST, _POOL_SHARE * due):
        return None
    what, flag = ("rate", "--rate") if run.manifest.trace is None else ("trace", "--trace-speed")
    return Finding(
        "warning",
        f"{late + never} of {plural(round(due), 'request')} found no free user when due: {late} started late, "
        f"{never} never; the target answers too slowly for {plural(run.manifest.users or 0, 'user')} "
        f"at this {what}",
        f"raise --users (the maximum in flight), or lower {flag}",
    )


def _explained(run: Run, rows: pd.DataFrame) -> float:
    """The number of starts lost to slow answers: pacing does not catch up, so each interval of lateness costs one."""
    interval = (run.manifest.interval_s or 0.0) * 1000.0
    timeout = (run.manifest.request_timeout_s or 60.0) * 1000.0
    paced = rows[rows["paced"]]
    late = paced["late_ms"].clip(lower=0.0).sum()
    unknown = paced["late_ms"].isna().sum() * timeout  # never connected: may have taken up to the timeout
    _, end = run.window
    begun = rows["start_ms"].fillna(rows["scheduled_ms"])
    ended = begun + rows["duration_ms"].fillna(timeout)
    if "retry_at_ms" in rows:
        ended = ended.where(~(rows["retry_at_ms"] > ended), rows["retry_at_ms"])
    spans = pd.DataFrame({"user": rows["user"], "iteration": rows["iteration"], "begun": begun, "ended": ended})
    iterations = spans.groupby(["user", "iteration"]).agg({"begun": "min", "ended": "max"})
    last = iterations.groupby("user").tail(1)
    still_busy = (last["ended"].clip(upper=end) - last["begun"] - interval).clip(lower=0.0).sum()
    return float(late + unknown + still_busy) / interval


@rule("≤ 0.5 % of the requests aborted", "mostly slow requests are aborted, so leaving them out flatters the target")
def unfinished(run: Run) -> Finding | None:
    counts = run.counts
    if counts.aborted <= _UNFINISHED * counts.requests:
        return None
    severity: Severity = "warning" if was_stopped(run.manifest) else "invalid"
    return Finding(
        severity,
        f"the end of the run aborted {counts.aborted} of {plural(counts.requests, 'request')}",
        "raise --drain so that they can finish",
    )


@rule(
    "≤ 1 % of the requests sent again",
    "each cost a new connection or a new key, which users with keep-alive and lasting keys would not pay for",
)
def resent(run: Run) -> Finding | None:
    counts = run.counts
    if not counts.resent or counts.resent <= _RESENT * counts.requests:
        return None
    return Finding(
        "warning",
        f"{counts.resent} of {plural(counts.requests, 'request')} had to be sent again; the target or its proxy closed "
        "idle connections just as the request was sent, or rejected an expired key",
        "set its keep-alive timeout to more than --interval, and use keys that last longer",
    )


@rule("the run outlasts its warm-up", "otherwise the statistics include cold caches")
def warm_up(run: Run) -> Finding | None:
    if not run.counted["warm_up"].astype(bool).any():
        return None
    if warm_up_counts(run.manifest):
        return Finding("warning", "the failure threshold stopped the run, so its statistics include its warm-up")
    return Finding(
        "warning",
        "the run ended inside its warm-up, so its statistics include it",
        "make the run longer, or set --warm-up",
    )


@rule(
    "in a ramp, each user sends its first request when it is spawned",
    "users that wait for their place in the interval start together with others",
)
def ramp(run: Run) -> Finding | None:
    if not run.manifest.pulses:
        return None
    return Finding(
        "warning",
        "users started one by one, but --phase spread made them wait for their places: the load came in pulses",
        "leave out --phase, so that each user sends its first request when it starts",
    )


@rule(
    "a ramp, if the failure threshold stops the run",
    "without one, all users are there at the first failure, whatever the target's capacity",
)
def users_at_stop(run: Run) -> Finding | None:
    manifest = run.manifest
    if not was_stopped(manifest) or manifest.stages or manifest.phase_asked is None or manifest.is_open:
        return None
    if manifest.ramp_per_s or not manifest.users:
        return None
    who = f"all {plural(users, 'user')}" if (users := int(manifest.users)) > 1 else "the only user"
    return Finding(
        "warning",
        f"{who} started at once, so the number at the stop says nothing about capacity",
        "start them one by one with --ramp (users per second)",
    )


@rule(
    "every metric that the workload declares can be read",
    "a metric that is left out is in no table, and no limit judges it",
)
def declared(run: Run) -> Finding | None:
    complaint = catalogue_of(run.manifest).complaint
    return Finding("warning", complaint, "restore manifest.json, or make the run again") if complaint else None


@rule("no failure caused by the generator or the configuration", "it would count as the target's")
def blame(run: Run) -> Finding | None:
    ended = run.frame.loc[~run.frame["after_stop"].astype(bool), ["blame", "error"]]
    for blame, where in (("generator", "in the generator itself"), ("config", "because of the configuration")):
        kinds = ended.loc[ended["blame"] == blame, "error"].value_counts()
        if len(kinds):
            told = ", ".join(f"{count} × {kind}" for kind, count in kinds.items())
            remedy = next((_REMEDIES[str(kind)] for kind in kinds.index if kind in _REMEDIES), "see the errors")
            return Finding("invalid", f"requests failed {where} ({told})", remedy)
    return None


@rule(
    "each worker stays in touch with the master",
    "a silent worker has lost its network or stalled, and that time would count as the target's",
)
def silences(run: Run) -> Finding | None:
    lost = run.manifest.lost_workers or []
    silences = [
        f"{s.worker} from {s.begin:.0f} s to {'the end' if s.end is None else f'{s.end:.0f} s'}"
        for s in run.manifest.silences or []
        if s.worker not in lost
    ]
    if not silences:
        return None
    return Finding(
        "invalid",
        f"workers were out of touch with the master ({', '.join(silences)}): their rows are here, but their times may "
        "include delays of their own network or their own machine",
        "keep the machines and the network between them healthy",
    )


@rule("every worker has the run's options, files and version", "a worker with others sends a different load")
def other_settings(run: Run) -> Finding | None:
    if not (found := run.manifest.other_settings):
        return None
    told = dict.fromkeys(f"{one.name} of {one.process} is {one.worker}, the run's {one.run}" for one in found)
    return Finding(
        "invalid",
        f"some workers' settings differ from the run's: {', '.join(told)}",
        "start every worker with the same version of Katydid, and with the master's options or none",
    )


@rule("every message from a worker is of a known kind", "rows in rejected messages are missing")
def refused_messages(run: Run) -> Finding | None:
    if not (count := run.manifest.refused_messages):
        return None
    return Finding(
        "invalid",
        f"the master rejected {plural(count, 'message')} that no worker of this run would send",
        "see the log; keep others off the master's port, and run one version of Katydid on all machines",
    )


@rule("no worker and no row lost", "the missing requests may be the slow ones")
def workers(run: Run) -> Finding | None:
    lost, missing = run.manifest.lost_workers or [], run.manifest.missing_rows or 0
    if lost:
        return Finding(
            "invalid",
            f"{plural(len(lost), 'worker')} {'was' if len(lost) == 1 else 'were'} lost ({', '.join(map(str, lost))}), "
            "with the last rows recorded there",
            "see the workers' logs; keep the machines and the network between them healthy",
        )
    if missing:
        never = f"{plural(missing, 'row')} never arrived"
        return Finding("invalid", never, "see the log: the network or the disk lost them")
    if nulled := run.manifest.nulled_values:
        return Finding(
            "warning",
            f"{plural(nulled, 'value')} of the wrong type for the column became null",
            "the rest of these rows is intact; see the log for the columns",
        )
    return None


@rule("the run came to its end", "otherwise the last samples are missing")
def end(run: Run) -> Finding | None:
    if died := run.manifest.housekeeping_died:
        first = died[0]
        return Finding(
            "invalid",
            f"the run was aborted by an error: {first.name} died in {first.process} ({first.why})",
            "the generator is at fault: see the log; no rows are missing",
        )
    if run.manifest.partial:
        return Finding("warning", "partial: the run never finished, and was rebuilt from the rows recorded")
    if run.manifest.ended == "interrupted":
        return Finding("warning", "the run was interrupted")
    if run.manifest.ended == "error":
        return Finding("invalid", "the run was aborted by an error", "see the log")
    return None
