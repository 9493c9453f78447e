"""Drives a real headless Chromium over its debugging protocol: enough to load a page and look at it.

with Browser() as browser:
    page = browser.open(path.as_uri(), width=400)
    assert page.evaluate("document.title") == "…"
    assert page.problems == []
"""

import base64
import itertools
import json
import os
import re
import shutil
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pytest
import websocket

_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
    "--remote-debugging-port=0", "--remote-allow-origins=*",
)  # fmt: skip
_ADDRESS = re.compile(r"DevTools listening on (ws://\S+)")
_PATIENCE = 30.0


def find_chromium() -> str:
    """Its path; skips the test where there is none, unless KATYDID_REQUIRE_BROWSER is set."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        if os.environ.get("KATYDID_REQUIRE_BROWSER"):
            pytest.fail("KATYDID_REQUIRE_BROWSER is set and there is no chromium: apt-get install chromium")
        pytest.skip("no chromium in PATH")
    return path


_SPLIT_WORDS = r"""
(() => {
  const found = [], range = document.createRange();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (!node.parentElement.checkVisibility() || node.parentElement.closest("svg, script, style, .command")) continue;
    for (const word of node.data.matchAll(/(?<![^\s(])--[a-z-]+|[^- \n\t]+/g)) {
      if (word[0].includes("/") || word[0].length > 24) continue;
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      const tops = new Set([...range.getClientRects()].filter((r) => r.width).map((r) => Math.round(r.top / 4)));
      if (tops.size > 1) found.push(word[0]);
    }
  }
  return found;
})()
"""
_TEXTS_OVER_ANOTHER = r"""
(() => {
  const range = document.createRange(), texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, parent = node.parentElement;
    if (!node.data.trim() || !parent.checkVisibility() || parent.closest("script, style, title")) continue;
    range.selectNodeContents(node);
    for (const box of range.getClientRects()) if (box.width > 1 && box.height > 1) texts.push([node, box]);
  }
  texts.sort(([, a], [, b]) => a.top - b.top);
  return texts.flatMap(([node, a], place) => {
    const found = [];
    for (let other = place + 1; other < texts.length && texts[other][1].top < a.bottom - 2; other++) {
      const [text, b] = texts[other];
      if (text !== node && a.left < b.right - 1 && b.left < a.right - 1) found.push(`${node.data} | ${text.data}`);
    }
    return found;
  });
})()
"""
_HIDDEN_CELLS = r"""
(width) => [...document.querySelectorAll("tbody td, tbody th, .tiles div")].filter((cell) => {
  const box = cell.getBoundingClientRect(), around = cell.closest(".scroll");
  if (cell.matches(".leads") && box.right > around.getBoundingClientRect().right + 1) return true;
  return cell.checkVisibility() && (box.left < 0 || box.right > width + 1 || cell.scrollWidth > cell.clientWidth + 1
    || (cell.matches(".tiles div") && !cell.textContent.trim()));
}).map((cell) => cell.textContent)
"""


@dataclass
class Page:
    """One loaded page.

    Attributes:
        problems: what the console was told as a warning or an error, uncaught exceptions, policy violations.
        requests: addresses that the page asked for, its own included.
    """

    browser: "Browser"
    session: str
    problems: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def evaluate(self, script: str) -> Any:
        """A JavaScript expression's value, as JSON's types; a promise is waited for."""
        answer = self.command("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise AssertionError(answer["exceptionDetails"]["exception"].get("description", answer))
        return answer["result"].get("value")

    def split_words(self) -> list[str]:
        """Words that stand on two lines, and numbers apart from their units; addresses, paths and commands may."""
        found: list[str] = self.evaluate(_SPLIT_WORDS)
        return found

    def hidden_cells(self, width: int) -> list[str]:
        """Cells of tables, and tiles, that lie outside of a screen of this width, or are cut off, or are empty.

        A table may scroll sideways, but for its verdicts.
        """
        found: list[str] = self.evaluate(f"({_HIDDEN_CELLS})({width})")
        return found

    def texts_over_another(self) -> list[str]:
        """Pairs of texts whose boxes overlap."""
        found: list[str] = self.evaluate(_TEXTS_OVER_ANOTHER)
        return found

    def screenshot(self, path: Path) -> None:
        """The whole page as a PNG."""
        self.command("Page.bringToFront")  # a tab in the background is never painted
        answer = self.command("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(answer["data"]))

    def command(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Any command of the debugging protocol, in this page."""
        return self.browser.command(method, session=self.session, **parameters)


class Browser:
    """A Chromium process with a profile of its own, ended with the block."""

    def __init__(self) -> None:
        self._executable = find_chromium()
        self._numbers = itertools.count(1)
        self._pages: dict[str, Page] = {}
        self._loaded: set[str] = set()

    def __enter__(self) -> Self:
        self._profile = tempfile.mkdtemp(prefix="katydid-browser-")
        self._process = subprocess.Popen(
            [self._executable, *_FLAGS, f"--user-data-dir={self._profile}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            self._socket = websocket.create_connection(self._find_address(), timeout=_PATIENCE)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError, websocket.WebSocketException):
            self._socket.send(json.dumps({"id": next(self._numbers), "method": "Browser.close"}))
            self._socket.close()
        self._end()

    def _find_address(self) -> str:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            if found := _ADDRESS.search(line):
                return found[1]
        raise AssertionError("chromium ended without saying where it listens")

    def _end(self) -> None:
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stderr:
            self._process.stderr.close()
        shutil.rmtree(self._profile, ignore_errors=True)

    def open(
        self, address: str, *, width: int = 1400, height: int = 900, dark: bool = False, javascript: bool = True
    ) -> Page:
        """Load a page in a new tab, and wait until it has loaded."""
        target = self.command("Target.createTarget", url="about:blank")["targetId"]
        session = self.command("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = self._pages[session] = Page(self, session)
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.command(f"{domain}.enable")
        page.command(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        page.command("Emulation.setEmulatedMedia", features=[scheme])
        page.command("Emulation.setScriptExecutionDisabled", value=not javascript)
        self._loaded.discard(session)
        page.command("Page.navigate", url=address)
        while session not in self._loaded:
            self._listen()
        return page

    def command(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """Send a command and wait for its answer; events that come before it are kept."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        self._socket.send(json.dumps(message | ({"sessionId": session} if session else {})))
        while (answer := self._listen()).get("id") != number:
            pass
        assert "error" not in answer, f"{method}: {answer['error']}"
        result: dict[str, Any] = answer["result"]
        return result

    def _listen(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self._socket.recv())
        page = self._pages.get(message.get("sessionId", ""))
        if page is not None and "method" in message:
            self._note(page, message["method"], message["params"])
        return message

    def _note(self, page: Page, method: str, event: dict[str, Any]) -> None:
        if method == "Page.loadEventFired":
            self._loaded.add(page.session)
        elif method == "Network.requestWillBeSent":
            page.requests.append(event["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            page.problems.append(json.dumps(event["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled" and event["type"] in {"warning", "error", "assert"}:
            page.problems.append(json.dumps(event["args"]))
        elif method == "Log.entryAdded" and event["entry"]["level"] in {"warning", "error"}:
            page.problems.append(event["entry"]["text"])
