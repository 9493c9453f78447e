"""What tests of the transport share."""

import subprocess
import sys

import pytest


@pytest.fixture
def alone(request):
    """Run the test in a process of its own where Locust is imported here: it patches threads, so that a server of
    a test would be a greenlet of the very loop that the test keeps busy."""
    if "locust" not in sys.modules:
        return
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", request.node.nodeid]
    root = request.config.rootpath
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout
    request.node.obj = lambda **_: None  # it has passed there
