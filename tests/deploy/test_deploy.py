"""What runs nowhere here, checked as far as it can be: files parse, commands are real, parts fit together."""

import json
import re
import shlex
from pathlib import Path

import jsonschema
import pytest
import yaml
from locust.argument_parser import get_parser
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

import katydid.engine.plugin  # noqa: F401 - adds the options of a run to Locust's parsers
from batches import monitor_rows, rows
from katydid.engine.live.prometheus import RunMetrics
from katydid.target.settings import settings_from_arguments
from running import ROOT

DEPLOY = ROOT / "deploy"


def load(path):
    return yaml.safe_load((DEPLOY / path).read_text())


@pytest.fixture(scope="module")
def compose():
    return load("compose.yaml")["services"]


def locust_options(words, monkeypatch=None):
    """Locust's own parser, with our options; refuses what it does not know."""
    return get_parser(default_config_files=[]).parse_args(words)


@pytest.mark.parametrize("service", ["master", "worker"])
def test_locusts_commands_are_taken_by_its_parser(compose, service):
    options = locust_options(compose[service]["command"])
    assert (ROOT / "locustfiles" / options.locustfile).is_file()
    assert options.web_host in {"*", "127.0.0.1"}
    assert options.master_host in {"127.0.0.1", *compose}


def test_the_page_is_reachable_from_outside_the_container_and_only_from_this_machine(compose):
    assert locust_options(compose["master"]["command"]).web_host == "*"
    for service in compose.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_the_master_waits_for_as_many_workers_as_there_are(compose):
    assert locust_options(compose["master"]["command"]).expect_workers == compose["worker"]["deploy"]["replicas"]


def test_the_targets_command_is_taken_by_its_parser_and_is_where_the_master_looks(compose):
    name, *words = compose["target"]["command"]
    assert (compose["target"]["entrypoint"], name) == (["katydid"], "target")
    settings = settings_from_arguments(words)
    host = locust_options(compose["master"]["command"]).host
    assert host == f"http://target:{settings.port}"


def test_prometheus_scrapes_the_master_where_its_page_is(compose):
    (job,) = load("prometheus.yml")["scrape_configs"]
    host, port = job["static_configs"][0]["targets"][0].split(":")
    assert host in compose
    assert int(port) == locust_options(compose["master"]["command"]).web_port
    assert job["metrics_path"] == "/metrics"


def test_every_file_that_is_mounted_exists(compose):
    for service in compose.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert not source.startswith(".") or (DEPLOY / source).exists(), volume


def metric_names():
    metrics = RunMetrics(lambda: {(name, "x"): 0.0 for name in STATE})
    metrics.begin("stream", {"version": "v"})
    metrics.add_samples(rows({}))
    metrics.add_monitor(monitor_rows({}))
    registry = CollectorRegistry()
    registry.register(metrics)
    families = text_string_to_metric_families(generate_latest(registry).decode())
    return {sample.name for family in families for sample in family.samples}


STATE = re.findall(r'[(\[]"(katydid_\w+)", "[A-Z]', (ROOT / "src/katydid/engine/live/observability.py").read_text())


def test_the_dashboard_asks_only_for_metrics_that_exist():
    text = (DEPLOY / "grafana/dashboards/katydid.json").read_text()
    panels = json.loads(text)["panels"]
    expressions = [target["expr"] for panel in panels for target in panel["targets"]]
    asked = set(re.findall(r"katydid_\w+", " ".join(expressions)))
    assert len(asked) >= 10
    assert asked <= metric_names()
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_dashboards_buckets_exist():
    text = (DEPLOY / "grafana/dashboards/katydid.json").read_text()
    from katydid.engine.live.prometheus import BUCKETS

    assert set(re.findall(r'le=\\"([\d.]+)\\"', text)) <= {str(bound) for bound in BUCKETS}


def test_grafana_finds_its_dashboards_and_their_data_source(compose):
    (source,) = load("grafana/provisioning/datasources/prometheus.yaml")["datasources"]
    (provider,) = load("grafana/provisioning/dashboards/katydid.yaml")["providers"]
    dashboard = json.loads((DEPLOY / "grafana/dashboards/katydid.json").read_text())
    assert {panel["datasource"]["uid"] for panel in dashboard["panels"]} == {source["uid"]}
    assert any(volume.split(":")[1] == provider["options"]["path"] for volume in compose["grafana"]["volumes"])
    assert re.fullmatch(r"http://prometheus:9090", source["url"])


def test_the_readme_names_every_metric_and_no_other():
    named = set(re.findall(r"`(katydid_\w+)", (DEPLOY / "README.md").read_text()))
    known = {re.sub(r"_(bucket|count|sum)$", "", name) for name in metric_names()}
    assert named == known


# Kubernetes


def pruned(value, schema, path="spec"):
    """What Kubernetes would silently drop: members that the schema does not name."""
    if isinstance(value, list):
        return [lost for item in value for lost in pruned(item, schema.get("items", {}), f"{path}[]")]
    if not isinstance(value, dict) or "properties" not in schema:
        return []
    known = schema["properties"]
    unknown = [f"{path}.{name}" for name in value if name not in known]
    return unknown + [
        lost for name in value if name in known for lost in pruned(value[name], known[name], f"{path}.{name}")
    ]


@pytest.fixture(scope="module")
def locust_test():
    return load("kubernetes/stream.yaml")


def test_the_locusttest_fits_the_operators_schema(locust_test):
    crd = yaml.safe_load(Path(__file__).with_name("locusttest-crd.yaml").read_text())
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert locust_test["apiVersion"] == f"{crd['spec']['group']}/{crd['spec']['versions'][0]['name']}"
    jsonschema.validate(locust_test, schema)
    assert pruned(locust_test["spec"], schema["properties"]["spec"]) == []


def test_a_member_that_would_be_dropped_is_found():
    crd = yaml.safe_load(Path(__file__).with_name("locusttest-crd.yaml").read_text())
    spec = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    assert pruned({"env": [{"name": "K", "valueFrom": {}}]}, spec) == ["spec.env[].valueFrom"]


def test_its_arguments_are_taken_by_locusts_parser_and_fit_its_workers_and_target(locust_test):
    spec = locust_test["spec"]
    options = locust_options(["--master", *shlex.split(spec["args"])])
    assert options.expect_workers == spec["workers"]
    deployment, service = yaml.safe_load_all((DEPLOY / "kubernetes/target.yaml").read_text())
    assert options.host == f"http://{service['metadata']['name']}:{service['spec']['ports'][0]['port']}"
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    assert settings_from_arguments(container["args"][1:]).port == service["spec"]["ports"][0]["targetPort"]
    compile(spec["locustfile"]["content"], "locustfile.py", "exec")


# The image


def test_what_the_image_copies_exists_and_is_not_ignored():
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    for line in (ROOT / "Dockerfile").read_text().splitlines():
        if line.startswith("COPY ") and "--from" not in line:
            *sources, _ = line.split()[1:]
            for source in sources:
                assert (ROOT / source).exists(), source
                assert any(source == k or source.startswith(k + "/") for k in kept), source


def test_the_images_entry_point_is_locust_since_the_operator_passes_its_arguments_alone():
    text = (ROOT / "Dockerfile").read_text()
    entry = json.loads(re.search(r"^ENTRYPOINT (.*)$", text, re.MULTILINE)[1])
    assert entry == ["locust"]
    assert locust_options(json.loads(re.search(r"^CMD (.*)$", text, re.MULTILINE)[1])).web_host == "*"
