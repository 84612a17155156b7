"""One running product for all end-to-end tests of a worker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.end_to_end.journey import Newcomer
from tests.harness import Stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The product, freshly installed nowhere."""
    running = Stack(tmp_path_factory.mktemp("stack"), "end_to_end")
    try:
        yield running.start()
    finally:
        running.stop()


@pytest.fixture(scope="session")
def ada(stack: Stack) -> Newcomer:
    """Ada, with everything installed, connected and paired."""
    newcomer = Newcomer(stack)
    newcomer.web.post(f"{stack.plane}/sandbox/settings/", data={"per_minute": "6000"})  # many tests in one minute
    newcomer.settle()
    return newcomer
