"""Several models, several targets: each is asked before the load, and each request goes where it should. In-process."""

import json
from collections import Counter
from types import SimpleNamespace

import pytest

from katydid.commands.loading.run import joined_hosts
from katydid.engine.options import RunOptions
from katydid.engine.services import chat
from katydid.engine.services.chat import ChatService
from katydid.engine.services.preflight import first_look
from katydid.engine.services.spread import Spread, open_service, services_of
from katydid.engine.user import PacedUser
from katydid.model.errors import ConfigError
from katydid.model.sample import Sample
from katydid.protocol.target_url import hosts_in, shown_url
from katydid.transport.exchange import TlsSettings
from katydid.workloads.tools import ToolsOptions
from katydid.workloads.tools.user import ToolsService

MIX = "a=0.7,b=0.3"
ONE, OTHER = "http://one:1", "http://other:2/base"


class Target:
    """A client whose target lists models, refuses fields, and remembers what it was asked."""

    timestamp_source = "kernel"

    def __init__(self, models=("m",), refused=(), unknown=()):
        self.models, self.refused, self.unknown = models, refused, unknown
        self.asked, self.keys = [], set()

    def send(self, request, sink, exchange):
        self.keys.add(dict(request.headers).get("Authorization"))
        if request.method == "GET":
            exchange.status = 200
            sink.feed(json.dumps({"data": [{"id": name} for name in self.models]}).encode(), 0.0)
            return
        body = json.loads(request.body)
        self.asked.append(body)
        exchange.status = 200
        if body["model"] in self.unknown:
            exchange.status, exchange.body = 404, b'{"error": {"message": "no such model"}}'
        elif wrong := next((name for name in self.refused if name in body), ""):
            exchange.status, exchange.body = 400, json.dumps({"error": f"unknown field {wrong}"}).encode()

    def close(self):
        pass


@pytest.fixture
def targets(monkeypatch):
    """The targets by their URLs; a test puts there what is not like any other."""
    found = {ONE: Target(), OTHER: Target()}

    def opened(_client, host, *_):
        return found[host]

    monkeypatch.setattr(chat, "open_client", opened)
    return found


def spread(**options):
    return open_service(ChatService, RunOptions(**options), f"{ONE}, {OTHER}/v1/")


def looked(service):
    return first_look(service, f"{ONE},{OTHER}", TlsSettings())


def asked(service, user, iteration):
    sample = Sample(request_id="r", user=user, iteration=iteration, worker="w", name="n", scheduled_ms=0.0)
    return sample, service.request_for(sample, (user, iteration), stream=True)


# Models


def test_each_model_of_a_mix_is_asked_before_the_load(targets):
    targets[ONE].models = ("a", "c")
    service = open_service(ChatService, RunOptions(model=MIX), ONE)
    assert service.preflight() == MIX
    assert [body["model"] for body in targets[ONE].asked] == ["a", "b"]
    assert "does not list the model 'b'" in service.note
    assert service.facts()["models"] == pytest.approx({"a": 0.7, "b": 0.3})


def test_a_model_of_a_mix_that_the_target_lacks_is_refused_before_the_load(targets):
    targets[ONE].unknown = ("b",)
    with pytest.raises(ConfigError, match="no such model"):
        open_service(ChatService, RunOptions(model=MIX), ONE).preflight()


@pytest.mark.parametrize("more", [{}, {"input_tokens": "50", "preflight": "list"}], ids=["prompts", "made"])
def test_requests_ask_for_the_models_by_their_weights_and_both_versions_for_the_same(targets, more):
    first, second = (open_service(ChatService, RunOptions(model=MIX, **more), host) for host in (ONE, OTHER))
    for service in (first, second):
        service.preflight()
    bodies = [[], []]
    named = Counter()
    for turn in range(400):
        for service, sent in zip((first, second), bodies, strict=True):
            sample, request = asked(service, turn % 7, turn)
            sent.append(request.body)
            assert json.loads(request.body)["model"] == sample.model
        named[sample.model] += 1
    assert bodies[0] == bodies[1]
    assert named["a"] / 400 == pytest.approx(0.7, abs=0.06)
    assert first.name == "/v1/chat/completions"


def test_a_single_model_is_in_every_row_too(targets):
    service = open_service(ChatService, RunOptions(), ONE)
    service.preflight()
    assert asked(service, 0, 0)[0].model == "m"
    assert "models" not in service.facts()


def test_a_workload_of_conversations_has_one_model():
    with pytest.raises(ConfigError, match="--model: this workload uses a single model: name only one"):
        ToolsService(ToolsOptions(model=MIX), ONE)


# Targets


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("http://a", ["http://a"]),
        ("http://a,http://b", ["http://a", "http://b"]),
        (" http://a:1/v1 ,\thttps://b ,", ["http://a:1/v1", "https://b"]),
        ("ws://a,wss://b/x,y", ["ws://a", "wss://b/x,y"]),
        ("http://a/x,y", ["http://a/x,y"]),
        ("", [""]),
    ],
)
def test_hosts_are_parted_where_another_url_begins(text, hosts):
    assert hosts_in(text) == hosts


def test_several_hosts_are_shown_without_a_login():
    assert shown_url("http://me:secret@a:1/v1/,https://b?key=1") == "http://a:1/v1,https://b"


@pytest.mark.parametrize(
    ("words", "joined"),
    [
        (["--host", "http://a", "-u", "2"], ["--host", "http://a", "-u", "2"]),
        (["--host", "http://a", "-u", "2", "--host=http://b"], ["-u", "2", "--host", "http://a,http://b"]),
        (["-H", "http://a", "--host", "http://b", "-H", "http://c"], ["--host", "http://a,http://b,http://c"]),
        (["--host"], ["--host"]),
        ([], []),
    ],
)
def test_a_repeated_host_is_one_option_with_commas(words, joined):
    assert joined_hosts(words) == joined


def test_each_target_is_asked_before_the_load_for_the_model_of_the_first(targets):
    targets[OTHER].models = ("x", "m")
    service = spread()
    assert looked(service) == "m"
    assert [[body["model"] for body in targets[host].asked] for host in (ONE, OTHER)] == [["m"], ["m"]]
    assert service.facts() | {"host": f"{ONE},{OTHER}", "hosts": [ONE, OTHER]} == service.facts()


def test_a_target_that_refuses_is_refused_before_the_load(targets):
    targets[OTHER].unknown = ("m",)
    with pytest.raises(ConfigError, match="http://other:2/base rejects the request"):
        looked(spread())


def test_what_any_target_refuses_is_left_out_of_all_requests(targets):
    targets[OTHER].refused = ("seed",)
    service = spread()
    looked(service)
    service.begin("m")
    assert service.adaptation.as_dict() == {"renamed": False, "left_out": ["seed"]}
    for each in services_of(service):
        assert "seed" not in json.loads(asked(each, 0, 0)[1].body)


def test_users_are_spread_over_targets_and_no_prompt_is_sent_twice(targets):
    service = spread(model="m", preflight="off")
    service.preflight()
    rows = [asked(service.of(user), user, turn)[0] for turn in range(3) for user in range(8)]
    assert len({row.prompt_id for row in rows}) == 24
    assert [service.of(user).host for user in range(4)] == [ONE, OTHER, ONE, OTHER]


@pytest.mark.parametrize(("index", "arrival", "host"), [(0, None, ONE), (3, None, OTHER), (3, 6, ONE), (0, 7, OTHER)])
def test_a_user_has_its_target_and_at_a_rate_each_arrival_has_one(targets, index, arrival, host):
    user = object.__new__(PacedUser)
    user.run_context = SimpleNamespace(service=spread(model="m", preflight="off"))
    user.index, user.iteration, user._schedule = index, 2, SimpleNamespace(arrival=arrival)
    assert user.service.host == host


def test_a_key_goes_only_to_the_target_that_it_belongs_to(targets, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", ONE)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-ours")
    service = spread()
    looked(service)
    assert targets[ONE].keys == {"Bearer sk-ours"}
    assert targets[OTHER].keys == {None}
    assert f"{OTHER}: OPENAI_API_KEY is set, but the target is not" in service.note
    assert service.secrets() == ["sk-ours"]


def test_a_target_that_stands_there_twice_is_refused(targets):
    with pytest.raises(ConfigError, match="http://one:1 is given twice"):
        open_service(ChatService, RunOptions(), f"{ONE},{ONE}/")


def test_one_target_is_a_service_as_it_was(targets):
    assert not isinstance(open_service(ChatService, RunOptions(), ONE), Spread)


def test_workers_are_told_what_the_look_has_found(targets):
    first = spread(input_tokens="50")
    targets[ONE].refused = ("temperature",)
    looked(first)
    worker = spread(input_tokens="50")
    worker.adapt(first.adaptation.as_dict())
    worker.share(0, 2)
    worker.calibrate(first.calibration)
    worker.begin("m")
    first.begin("m")
    for user in range(4):
        assert asked(worker.of(user), user, 0)[1].body == asked(first.of(user), user, 0)[1].body
