"""What the tests of the core share."""

import pytest

from katydid.protocol import heads


@pytest.fixture(autouse=True, scope="module")
def _no_head_is_remembered():
    """Heads are read, not remembered from a run before in the same process, as a mutation run has them."""
    heads.read_head.cache_clear()
