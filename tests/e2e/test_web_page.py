"""The whole way through Locust's web UI in a real browser: fill in the form, start, watch, stop, open the report."""

import os
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from browser import Browser
from folders import write_version
from katydid.target.process import start_target
from running import free_port, locust, runs_in, wait_until

pytestmark = pytest.mark.e2e

CANARY = "sk-canary-4711-header"
FILL = """(() => {
  const field = document.querySelector(`[name="%s"]`);
  const kind = field.tagName === "SELECT" ? HTMLSelectElement : HTMLInputElement;
  Object.getOwnPropertyDescriptor(kind.prototype, "value").set.call(field, "%s");
  field.dispatchEvent(new Event(field.tagName === "SELECT" ? "change" : "input", {bubbles: true}));
})()"""
TABLE = """[...document.querySelectorAll("tbody tr")].map(
  row => [...row.querySelectorAll("th, td")].map(cell => cell.innerText))"""


class LocustPage:
    """Locust's web UI in a browser, as a person uses it."""

    def __init__(self, browser, url, shows="'START NEW LOAD TEST'"):
        self.url = url
        self.page = browser.open(url)
        self.until(f"document.body.innerText.toUpperCase().includes({shows})", shows)

    def until(self, script, what, seconds=30):
        return wait_until(lambda: self.page.evaluate(f"!!({script})"), seconds, what)

    def fill(self, **fields):
        for name, value in fields.items():
            self.page.evaluate(FILL % (name, value))

    def click(self, text):
        starts = f"e => e.innerText.trim().toLowerCase().startsWith('{text.lower()}')"
        found = f"[...document.querySelectorAll('button, a')].find({starts})"
        self.until(found, text)
        self.page.evaluate(f"{found}.click()")

    def figures(self):
        """The tab's table: (last minute, whole run) by name."""
        return {name: (recent, whole) for name, recent, whole in self.page.evaluate(TABLE)}

    @property
    def text(self):
        return self.page.evaluate("document.body.innerText")

    @property
    def html(self):
        return self.page.evaluate("document.documentElement.outerHTML")


@pytest.fixture(scope="module")
def browser():
    with Browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("page")


@contextmanager
def a_page(folder, *words, **variables):
    """The address of Locust's web UI, in a process of its own."""
    port = free_port()
    process = locust("--web-port", port, *words, folder=folder, env=variables)
    url = f"http://127.0.0.1:{port}/"

    def up():
        try:
            return urllib.request.urlopen(url, timeout=5).read()
        except OSError:
            return None

    wait_until(up, 30, "the page")
    yield url
    process.end()


@pytest.fixture(scope="module")
def locust_url(folder):
    words = ("--header", "X-Other-Token=env:OTHER", "--spawn-rate", 4)
    with a_page(folder, *words, OTHER=CANARY, LOAD_TEST_API_KEY=CANARY) as url:
        yield url


def save_picture(page, name):
    """For docs/, where KATYDID_PICTURES names a folder."""
    if folder := os.environ.get("KATYDID_PICTURES"):
        page.page.screenshot(Path(folder) / name)


def test_the_whole_way_from_the_form_to_the_report(browser, locust_url, folder):
    page = LocustPage(browser, locust_url)
    with start_target(ttft=0.05, chunk_interval=0.01, chunks=8, jitter=0.3, fail=("http_500=0.15",)) as target:
        page.fill(
            userCount=4, spawnRate=4, host=target.url, interval="0.4", failureThreshold=3, phase="spawn",
            versionLabel="from-browser", warmUp="0",
        )  # fmt: skip
        page.click("Start")
        page.click("Katydid")
        wait_until(lambda: page.figures().get("TTFT p50", ("–",))[0].endswith("ms"), 30, "a TTFT in the tab")
        page.until("document.body.innerText.includes('STOPPED')", "the stop by the threshold", 60)
        wait_until(lambda: "Report" in page.figures(), 20, "word of the report")
    figures = page.figures()
    (run,) = runs_in(folder / "reports")
    counted = run.samples[~(run.samples["after_stop"] & (run.samples["outcome"] == "failed"))]
    assert figures["Failures until the stop"][1] == "3 of 3"
    assert figures["Failed"][1] == "3"
    assert figures["Succeeded"][1] == str((counted["outcome"] == "ok").sum())
    exact = counted[counted["outcome"] == "ok"]["ttft_ms"].quantile(0.5, interpolation="lower")
    assert float(figures["TTFT p50"][1].split()[0]) == pytest.approx(exact, rel=0.02)
    assert CANARY not in page.html
    save_picture(page, "web-ui-tab.png")

    page.click("Download data")
    page.click("Katydid: reports of runs")
    page.until("document.querySelector('h1')?.innerText === '1 run'", "the page of runs")
    assert "STOPPED at the 3rd failure" in page.text
    page.click("report")
    page.until("document.title.startsWith('stream from-browser')", "the report")
    assert page.page.problems == []
    assert CANARY not in page.html


@pytest.mark.slow
def test_a_stopped_run_leads_to_its_report_and_the_next_start_has_the_same_load(browser, tmp_path):
    with start_target(ttft=0.3, chunk_interval=0.1, chunks=8) as target, a_page(tmp_path, "--host", target.url) as url:
        page = LocustPage(browser, url)
        page.fill(userCount=4, spawnRate=4, interval="500ms", versionLabel="v2", failureThreshold=0)
        page.click("Start")
        page.click("Katydid")
        wait_until(lambda: page.figures().get("TTFT p50", ("–",))[0].endswith("ms"), 30, "a TTFT in the tab")
        page.click("Stop")
        page.click("./katydid/runs/stream/v2/")
        page.until("document.title.startsWith('stream v2')", "the report")
        assert page.page.problems == []

        page = LocustPage(browser, url, shows="'STOPPED'")
        page.click("New")
        page.until("document.querySelector('[name=userCount]')", "the form")
        page.click("Start")
        wait_until(lambda: len(runs_in(tmp_path / "reports")) == 2, 20, "the next run")
        first, second = runs_in(tmp_path / "reports")
    asked = ("interval_s", "version", "users", "spawn_rate", "failure_threshold", "host", "run_time_s")
    assert {name: second.manifest[name] for name in asked} == {name: first.manifest[name] for name in asked}
    assert (second.manifest["interval_s"], second.manifest["version"], second.manifest["users"]) == (0.5, "v2", 4)


def test_a_run_is_compared_with_an_earlier_one_that_is_chosen_in_the_page(browser, locust_url, folder):
    for version in ("old", "new"):
        write_version(folder / "reports" / "compared", version, [0.0])
    page = browser.open(f"{locust_url}katydid/runs/?new=compared/new/run-0")
    page.evaluate("[...document.querySelectorAll('a')].find(a => a.innerText === 'compare').click()")
    wait_until(lambda: page.evaluate("document.title").startswith("new against old"), 60, "the comparison")
    assert page.problems == []


def fetch(url, data=None, **headers):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers=headers), timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_what_is_no_run_is_not_shown(locust_url, folder):
    write_version(folder / "reports" / "other", "v1", [0.0])
    (folder / "secret.txt").write_text(CANARY)
    for path in (
        "runs/other/v1/run-0/samples.parquet",
        "runs/other/v1/other/report.html",
        "runs/other/v1/run-0/..%2f..%2f..%2f..%2fsecret.txt",
        "runs/..%2f..%2f/secret.txt",
        "runs/compare?base=other/v1/run-0&new=/etc",
    ):
        status, text = fetch(f"{locust_url}katydid/{path}")
        assert status == 404, path
        assert CANARY not in text


def test_other_sites_may_neither_read_the_page_nor_start_a_run(locust_url):
    foreign = {"Origin": "http://evil.example"}
    assert fetch(locust_url, **foreign)[0] == 403
    assert fetch(locust_url + "swarm", b"user_count=1&spawn_rate=1&host=http://127.0.0.1:1", **foreign)[0] == 403
    assert fetch(locust_url, Origin=locust_url.rstrip("/"))[0] == 200


def test_the_page_serves_metrics_for_prometheus(locust_url):
    status, text = fetch(locust_url + "metrics")
    assert status == 200
    assert {"katydid_run_active", "katydid_users"} <= {family.name for family in text_string_to_metric_families(text)}
    assert CANARY not in text


def test_the_page_listens_on_this_machine_only_unless_asked_otherwise(locust_url):
    port = int(locust_url.rstrip("/").rpartition(":")[2])
    listening = {
        connection.laddr.ip
        for process in psutil.Process().children(recursive=True)
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
    }
    assert listening == {"127.0.0.1"}


def test_a_password_in_the_host_is_refused_since_the_page_would_show_it(tmp_path):
    process = locust("--web-port", free_port(), "--host", f"http://me:{CANARY}@127.0.0.1:1", folder=tmp_path)
    assert process.wait(30) == 2
    assert "the web UI would show the password in --host" in process.err
    assert CANARY not in process.err
