"""One running product and one browser for the tests of this room; both end with its last test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from functools import cache

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.visitor import Visitor, launch
from tests.end_to_end.journey import Newcomer
from tests.harness import Stack, until


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The product, freshly installed nowhere."""
    running = Stack(tmp_path_factory.mktemp("stack"), "browser")
    try:
        yield running.start()
    finally:
        running.stop()


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium. It must be gone before other tests use the database: Playwright keeps an event loop in this thread."""
    with sync_playwright() as playwright, closing(launch(playwright.chromium)) as running:
        yield running


@pytest.fixture
def visitor(browser: Browser, stack: Stack) -> Iterator[Visitor]:
    """Somebody with a fresh profile, about whom the browser must have nothing to complain in the end."""
    somebody = Visitor.arrive(browser, stack)
    with closing(somebody.context):
        yield somebody
    assert somebody.complaints == []


@pytest.fixture(scope="package")
def settled(stack: Stack) -> Newcomer:
    """The workspace *Sandbox Air* with everything connected, whether or not the walk has been there before."""
    ada = Newcomer(stack)
    ada.install()
    if ada.web.get(f"{stack.app}/w/sandbox/pairs/planner/").status_code == 404:
        ada.settle()
        until(lambda: ada.blocks("Baggage belt 4"), 30, "the first block")
        ada.ask("CUST-1", "schedule tomorrow 10:00 for 2h")
        ada.ask("CUST-1", "link Acme Air")
    return ada


@pytest.fixture(scope="package")
def people(browser: Browser, stack: Stack, settled: Newcomer) -> Iterator[Callable[[str], Visitor]]:
    """Signed-in people by name (``""`` is a passer-by); each keeps the profile."""
    with ExitStack() as profiles:

        @cache
        def person(name: str) -> Visitor:
            somebody = Visitor.arrive(browser, stack)
            profiles.enter_context(closing(somebody.context))
            if name:
                somebody.sign_in(name, "/setup/" if name == "olga" else "/signin/")
            return somebody

        yield person


@pytest.fixture(scope="package")
def plain(browser: Browser, stack: Stack, people: Callable[[str], Visitor]) -> Iterator[Callable[[str], Visitor]]:
    """The same people in a browser that runs no script."""
    with ExitStack() as profiles:

        @cache
        def person(name: str) -> Visitor:
            signed_in = people(name).context.storage_state()
            somebody = Visitor.arrive(browser, stack, java_script_enabled=False, storage_state=signed_in)
            profiles.enter_context(closing(somebody.context))
            return somebody

        yield person
