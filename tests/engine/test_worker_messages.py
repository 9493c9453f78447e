"""What comes in at the master's port: nothing names a file, changes a table, commands a terminal, or goes unnoticed."""

from types import SimpleNamespace

import pytest

from katydid.engine.options import RunOptions
from katydid.engine.workers import messages, presence
from katydid.engine.workers.messages import Finished, Inbox, Rows, Setting, Ticket, Unfit, batch_of, strip_control_chars
from katydid.engine.workers.presence import Alike
from katydid.model.documents.manifest import Manifest
from katydid.model.sample import Sample
from katydid.runs.folder import row_schemas
from katydid.runs.rows import RowBuffer, sample_schema


class Master:
    def __init__(self):
        self.listeners = {}

    def register_message(self, name, listener):
        self.listeners[name] = listener

    def hear(self, name, data, worker="w1"):
        self.listeners[name](environment=None, msg=SimpleNamespace(node_id=worker, data=data))


@pytest.fixture
def master(monkeypatch):
    monkeypatch.setattr(messages, "MasterRunner", Master)
    return Master()


def a_batch(columns=None):
    buffer = RowBuffer(sample_schema(columns))
    buffer.append(Sample(request_id="1", user=0, iteration=0, worker="w", name="/", scheduled_ms=1.0))
    return buffer.drain()


SCHEMAS = row_schemas({})


@pytest.mark.parametrize(
    "data",
    [
        {"kind": "../../../../PWNED", "batch": a_batch()},
        {"kind": "locusts", "batch": a_batch()},
        {"kind": "samples", "batch": a_batch({"more": float})},
        {"kind": "monitor", "batch": a_batch()},
        {"kind": "samples", "batch": b"no Arrow"},
        {"kind": "samples", "batch": a_batch()[:100]},
        {"kind": "samples", "batch": "text"},
        {"kind": 5, "batch": a_batch()},
        {"kind": "samples"},
        {},
        None,
        [],
        "x",
        b"\x00",
        7,
    ],
)
def test_rows_that_no_worker_sends_are_refused_and_counted(master, data):
    taken, counts = [], []
    inbox = Inbox(master, counts.append)
    inbox.listen("rows", Rows, lambda worker, rows: taken.append(batch_of(rows, SCHEMAS)))
    master.hear("rows", data)
    master.hear("rows", data)
    assert (taken, counts) == ([], [1, 2])


def test_rows_of_the_run_are_taken(master):
    taken = []
    inbox = Inbox(master, pytest.fail)
    inbox.listen("rows", Rows, lambda worker, rows: taken.append((worker, batch_of(rows, SCHEMAS).num_rows)))
    master.hear("rows", {"kind": "samples", "batch": a_batch()})
    assert taken == [("w1", 1)]


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (Ticket, {"ticket": "1"}),
        (Ticket, None),
        (Finished, {"rows": -5}),
        (Finished, {"rows": 1.5}),
        (Unfit, {"why": b"\xff"}),
        (Setting, {"options": [], "facts": {}}),
    ],
)
def test_so_are_all_other_messages(master, kind, data):
    counts = []
    Inbox(master, counts.append).listen("any", kind, lambda *_: pytest.fail("it was taken"))
    master.hear("any", data)
    assert counts == [1]


def test_the_first_refusal_is_told_in_one_line_without_commands_of_the_terminal(master, caplog):
    inbox = Inbox(master)
    inbox.listen("rows", Rows, lambda worker, rows: batch_of(rows, SCHEMAS))
    for _ in range(3):
        master.hear("rows", {"kind": "\x1b[2J\nx", "batch": b""}, worker="w\x1b[31m\n1")
    (record,) = caplog.records
    assert not {"\x1b", "\n"} & set(record.getMessage())


def test_a_worker_s_text_is_one_harmless_line():
    assert strip_control_chars("no \x1b[31mroom\x1b[0m\nhere\x07") == "no room here"


def test_other_processes_listen_to_nobody():
    Inbox(SimpleNamespace()).listen("rows", Rows, pytest.fail)


class Runtime(SimpleNamespace):
    """Of a master, or a worker that was started with options."""

    def __init__(self, runner, *, is_worker=False, given=None, service=None, **manifest):
        defaults = {name: getattr(RunOptions(), name) for name in RunOptions.__dataclass_fields__}
        super().__init__(
            runner=runner,
            is_worker=is_worker,
            inbox=Inbox(runner),
            options_class=RunOptions,
            options=RunOptions(interval=20.0),
            environment=SimpleNamespace(parsed_options=SimpleNamespace(**defaults | (given or {}))),
            manifest=lambda: Manifest.read(manifest),
            stopper=SimpleNamespace(name_of=lambda worker: "worker-0"),
            service=service,
            noted={},
            said=[],
        )
        self.note = lambda **facts: self.noted.update(facts)
        self.warn = self.said.append


def told_by(given, **facts):
    """What a worker that was started with these options tells of itself."""
    sent = []
    service = SimpleNamespace(timestamp_source="kernel", facts=lambda: {"host": "h", **facts})
    line = SimpleNamespace(send_message=lambda name, data: sent.append(data))
    Alike(Runtime(line, is_worker=True, given=given, service=service)).tell()
    return sent[0]


def differences(master, told, **manifest):
    runtime = Runtime(master, katydid_version=presence.__version__, timestamp_source="kernel", **manifest)
    Alike(runtime).begin()
    master.hear(presence._SETTING, told)
    return [one["name"] for one in runtime.noted.get("other_settings", [])]


def test_a_worker_with_the_run_s_options_or_none_is_alike(master):
    assert differences(master, told_by({}), prompts_sha256="a") == []
    assert differences(master, told_by({"interval": 20.0}, prompts_sha256="a"), prompts_sha256="a") == []


def test_what_differs_is_told_by_its_name(master):
    assert differences(master, told_by({"interval": 5.0, "client": "requests"})) == ["--interval", "--client"]
    assert differences(master, told_by({}, prompts_sha256="b"), prompts_sha256="a") == ["prompts_sha256"]
    assert differences(master, told_by({}) | {"facts": {"katydid_version": "0.0.1"}}) == ["katydid_version"]


def test_where_a_machine_keeps_its_files_is_its_own(master):
    assert differences(master, told_by({"results": "/data", "ca_file": "/etc/ca.pem"})) == []


def test_a_worker_tells_no_secret_of_its_options():
    assert "canary" not in str(told_by({"header": "Authorization=Bearer canary", "body": "api_key=canary"}))
