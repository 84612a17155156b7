"""A person at a browser: looks only at this machine, and every complaint of the browser is written down."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, field
from functools import cached_property

from playwright.sync_api import Browser, BrowserContext, BrowserType, ConsoleMessage, Locator, Page, Request, Route

from tests.conftest import CHROMIUM
from tests.harness import Stack

PATIENCE_MS = 30_000
ELSEWHERE = re.compile(r"^(?!data:|blob:|about:|https?://(localhost|127\.0\.0\.1)[:/])")
SWITCHES = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
)  # fmt: skip


def launch(chromium: BrowserType) -> Browser:
    """The system's Chromium, with no network beyond this machine."""
    path = next(filter(None, map(shutil.which, CHROMIUM)))
    return chromium.launch(executable_path=path, args=list(SWITCHES))


@dataclass
class Visitor:
    """One browser profile. ``complaints`` holds what went wrong in it; ``clicks`` counts clicks on our own pages."""

    stack: Stack
    context: BrowserContext
    complaints: list[str] = field(default_factory=list)
    clicks: int = 0

    @classmethod
    def arrive(cls, browser: Browser, stack: Stack, **options: object) -> Visitor:
        """A fresh profile: no cookies, nothing cached."""
        context = browser.new_context(base_url=stack.app, **options)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_MS)
        visitor = cls(stack, context)
        context.on("request", visitor._asked)
        context.on("console", visitor._heard)
        context.on("weberror", lambda error: visitor.complaints.append(f"uncaught: {error.error}"))
        context.route(ELSEWHERE, visitor._refuse)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        return visitor

    def _refuse(self, route: Route) -> None:
        self.complaints.append(f"asked another machine: {route.request.url}")
        route.abort()

    def _asked(self, request: Request) -> None:
        """Our pages load everything from our own origin."""
        if request.is_navigation_request() or request.service_worker is not None:
            return
        if request.frame.url.startswith(self.stack.app) and not request.url.startswith(self.stack.app):
            self.complaints.append(f"{request.frame.url} loaded {request.url}")

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"console: {message.text} ({message.location.get('url')})")

    def page(self) -> Page:
        """A new tab."""
        return self.context.new_page()

    @cached_property
    def tab(self) -> Page:
        """The tab that this person keeps open."""
        return self.page()

    def click(self, target: Locator) -> None:
        """Click as a person does, and count it when the page is ours."""
        self.clicks += target.page.url.startswith(self.stack.app)
        target.click()

    def sign_in(self, name: str, door: str = "/signin/") -> None:
        """Choose a person in the sandbox's tracker and come in by ``door`` (``/signin/`` or ``/setup/``)."""
        page = self.page()
        page.goto(f"{self.stack.plane}/who/")
        page.locator(f"button.person[value={name}]").click()
        page.goto(door)
        if door == "/signin/":
            page.locator("main").get_by_role("button", name="Sign in with Plane").click()
        page.get_by_role("button", name="Approve").click()
        page.wait_for_url(f"{self.stack.app}/**")
        page.close()
