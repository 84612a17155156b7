from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.exceptions import BadRequest, PermissionDenied
from django.db import OperationalError, connection
from django.test import Client

from tests.factories import MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db
OVERVIEW = "planeapp.dashboard.overview._steps"


@pytest.fixture
def page(client: Client) -> str:
    """The address of a page that a signed-in person opens; a page that breaks is answered as in the product."""
    client.raise_request_exception = False
    membership = MembershipFactory()
    client.force_login(membership.user)
    return f"/w/{membership.installation.slug}/"


@pytest.fixture
def no_database() -> Iterator[list[bool]]:
    """Once told so, every query fails, as with a database that went away."""
    gone: list[bool] = []

    def wrapper(execute: Any, *arguments: Any) -> Any:
        if gone:
            raise OperationalError("server closed the connection at 10.0.0.5")
        return execute(*arguments)

    with connection.execute_wrapper(wrapper):
        yield gone


def breaks_with(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr(OVERVIEW, fail)


CASES = [
    (BadRequest("the secret is s3cret"), 400, "We did not understand this request"),
    (PermissionDenied("s3cret"), 403, "Ask an admin of the workspace"),
    (ValueError("s3cret"), 500, "Something broke on our side"),
]


@pytest.mark.parametrize(("error", "status", "says"), CASES, ids=["400", "403", "500"])
def test_an_error_page_is_ours_and_tells_nothing_of_what_went_wrong(
    client: Client, page: str, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, says: str
) -> None:
    breaks_with(monkeypatch, error)
    answer = client.get(page)
    text = answer.content.decode()
    assert (answer.status_code, says in text, "/static/css/app.css" in text) == (status, True, True)
    assert [told for told in ("s3cret", "Traceback", type(error).__name__) if told in text] == []


def test_a_page_that_is_not_there_is_told_by_a_page_of_ours(client: Client) -> None:
    answer = client.get("/nothing/here/")
    assert (answer.status_code, "This page does not exist" in answer.content.decode()) == (404, True)


def test_a_host_that_is_not_ours_is_answered_by_a_page_of_ours(client: Client) -> None:
    answer = client.get("/", headers={"host": "evil.example"})
    assert (answer.status_code, "We did not understand this request" in answer.content.decode()) == (400, True)


@pytest.mark.parametrize("path", ["/signout/", "/signin/"])
def test_a_form_without_its_token_is_told_what_to_do(door: Client, path: str) -> None:
    answer = door.post(path)
    assert (answer.status_code, "Please try once more" in answer.content.decode()) == (403, True)


def test_a_form_of_a_signed_in_person_without_its_token_changes_nothing(door: Client) -> None:
    door.force_login(UserFactory())
    assert "Nothing was changed" in door.post("/signout/").content.decode()
    assert "_auth_user_id" in door.session


def test_a_session_that_ends_on_the_way_is_told_to_go_on(
    client: Client, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def signed_out_elsewhere(action: str, installation: None, request: Any, **_: Any) -> None:
        assert request.user.is_authenticated
        Session.objects.all().delete()

    monkeypatch.setattr("planeapp.accounts.views.audit.record", signed_out_elsewhere)
    answer = client.get("/oauth/plane/callback/?state=unknown")  # keeps its text in the session
    assert (answer.status_code, "Just go on." in answer.content.decode()) == (400, True)


def test_the_page_for_a_broken_app_needs_no_database(client: Client, page: str, no_database: list[bool]) -> None:
    no_database.append(True)
    answer = client.get(page)
    assert (answer.status_code, "Something broke on our side" in answer.content.decode()) == (500, True)
    assert "10.0.0.5" not in answer.content.decode()


def test_error_pages_carry_the_content_security_policy(client: Client, page: str, no_database: list[bool]) -> None:
    no_database.append(True)
    for path in ("/nothing/here/", page):
        assert "frame-ancestors 'none'" in client.get(path).headers["Content-Security-Policy"]
