"""A person with a browser, between our doors and Plane's consent page."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
from django.http import HttpResponse
from django.test import Client

from planeapp.accounts.models import User
from tests.vendors import APP, Vendors

CALLBACK = "/oauth/plane/callback/"


def asked(answer: Any) -> dict[str, str]:
    """What an answer that redirects asks of its next stop."""
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


class Browser:
    """``who`` is signed in at the sandbox Plane; our own side knows nothing of them yet."""

    def __init__(self, vendors: Vendors, who: str = "ada") -> None:
        self.vendors, self.who = vendors, who
        self.client = Client()

    def setup(self) -> Any:
        """Click Install in the marketplace."""
        return self.client.get("/setup/")

    def signin(self, next_page: str = "") -> Any:
        """Click Sign in with Plane."""
        return self.client.post("/signin/", {"next": next_page})

    def decide(self, leaving: Any, decision: str = "approve", workspace: str = "sandbox", **form: str) -> str:
        """Answer Plane's question; gives the address on our side where Plane sends the browser."""
        url = str(leaving.headers["location"]).split("?")[0]
        data = asked(leaving) | {"decision": decision, "workspace": workspace} | form
        answer = httpx2.post(url, data=data, cookies={"sandbox_user": self.who}, trust_env=False)
        assert answer.status_code == 302, answer.text
        return str(answer.headers["location"]).removeprefix(APP)

    def install(self, **decision: str) -> HttpResponse:
        """Setup URL, consent, back; gives our answer to the callback."""
        return self.come(self.decide(self.setup(), **decision))

    def enter(self, next_page: str = "", workspace: str = "sandbox") -> HttpResponse:
        """Sign in; gives our answer to the callback. An admin who chooses a workspace without the app installs it."""
        return self.come(self.decide(self.signin(next_page), workspace=workspace))

    def come(self, address: str) -> Any:
        """Open an address of ours."""
        return self.client.get(address)

    def problem(self, answer: Any) -> str:
        """The text of the problem page that an answer leads to."""
        assert (answer.status_code, answer.headers["location"]) == (302, "/problem/")
        page = self.client.get("/problem/")
        assert page.status_code == 400
        return page.content.decode()

    def already_done(self, answer: Any) -> str:
        """The text of the page that the second of two clicks leads to."""
        assert (answer.status_code, answer.headers["location"]) == (302, "/done/")
        page = self.client.get("/done/")
        assert page.status_code == 200
        return page.content.decode()

    @property
    def user(self) -> User | None:
        """Who is signed in."""
        key = self.client.session.get("_auth_user_id")
        return User.objects.get(pk=key) if key else None
