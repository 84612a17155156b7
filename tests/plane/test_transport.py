"""The SDK's seat on our client: tokens, headers, paths."""

from __future__ import annotations

import socket
import threading
import time

import pytest
import time_machine

from planeapp.lib.errors import FixSettings, Gone, OutcomeUnknown, OutOfQuota, ReconnectNeeded, RetryLater
from planeapp.lib.http import Http
from planeapp.plane.gateway import Plane
from planeapp.plane.quota import TERMS
from planeapp.plane.transport import joined
from planeapp.providers.base import Access
from tests.budgets import Kept
from tests.plane.conftest import Sandbox, Token

REFUSED = '{"detail": "Authentication credentials were not provided."}'


def test_a_refused_token_is_replaced_once_and_the_call_repeated(sandbox: Sandbox) -> None:
    token = Token("pln_bot_old", sandbox.token())
    assert sandbox.gateway(token=token).me()["display_name"] == "Groundcrew"
    assert token.refused == ["pln_bot_old"]


def test_a_write_with_a_refused_token_happens_once(sandbox: Sandbox, project: str) -> None:
    sandbox.gateway(token=Token("pln_bot_old", sandbox.token())).create_item(project, name="Once")
    assert len(sandbox.plane.live("work_item", name="Once")) == 1


def test_a_token_refused_twice_means_reconnect(sandbox: Sandbox) -> None:
    token = Token("one", "two", sandbox.token())
    with pytest.raises(ReconnectNeeded):
        sandbox.gateway(token=token).me()
    assert token.refused == ["one"]


def test_a_token_function_that_has_nothing_newer_means_reconnect(sandbox: Sandbox) -> None:
    asked: list[str] = []

    def same(slot: str = "main", *, refused: str = "") -> str:
        asked.append(refused)
        return "pln_bot_old"

    with pytest.raises(ReconnectNeeded) as refusal:
        sandbox.gateway(token=same).me()
    assert asked == ["", "pln_bot_old"]
    assert "pln_bot_old" not in str(refusal.value)


def test_an_html_page_with_401_does_not_end_the_token(sandbox: Sandbox) -> None:
    token = Token(sandbox.token())
    sandbox.fault(path="/users/me/", status=401, body="<html>login</html>")
    with pytest.raises(RetryLater):
        sandbox.gateway(token=token).me()
    assert token.refused == []


def budgeted(sandbox: Sandbox, kept: Kept, *tokens: str) -> Plane:
    return Plane(Access(sandbox.http, sandbox.url, Token(*tokens, sandbox.token()), budget=kept), "sandbox")


def test_the_budget_learns_from_the_answers_headers(sandbox: Sandbox) -> None:
    kept = Kept(TERMS)
    budgeted(sandbox, kept).me()
    assert kept.window("bot").limit == 100_000


def test_refused_answers_are_counted_too(sandbox: Sandbox) -> None:
    kept = Kept(TERMS)
    budgeted(sandbox, kept, "old").me()
    assert kept.used == {"bot": 2}


def test_a_call_without_room_is_not_sent(sandbox: Sandbox) -> None:
    sandbox.plane.store.put("settings", "limits", {"per_minute": 3})
    plane = budgeted(sandbox, Kept(TERMS))
    for _ in range(3):
        plane.me()
    with pytest.raises(OutOfQuota) as refusal:
        plane.me()
    assert 0 < (refusal.value.delay or 0) <= 61
    assert [one["status"] for one in sandbox.requests("GET", "/users/me/")] == [200] * 3


def test_after_a_429_nothing_is_sent_until_plane_allows(sandbox: Sandbox) -> None:
    plane = budgeted(sandbox, Kept(TERMS))
    sandbox.fault(path="/users/me/", status=429, body="{}", headers={"Retry-After": "7"})
    with time_machine.travel(time.time(), tick=False) as clock:
        for delay in (7, 7):
            with pytest.raises(OutOfQuota) as refusal:
                plane.me()
            assert refusal.value.delay == pytest.approx(delay, abs=0.01)
        clock.shift(8)
        plane.me()
    assert [one["status"] for one in sandbox.requests("GET", "/users/me/")] == [429, 200]


def test_our_user_agent_is_sent_and_every_path_ends_with_a_slash(sandbox: Sandbox, plane: Plane) -> None:
    plane.projects()
    sent = sandbox.requests("GET", "/projects/")[-1]
    assert sent["headers"]["user-agent"].startswith("Groundcrew/")
    assert sent["path"].endswith("/projects/")
    assert "per_page=100" in sent["query"]


def test_a_redirect_is_not_followed(sandbox: Sandbox, plane: Plane) -> None:
    sandbox.fault(path="/users/me/", status=301, headers={"location": "/api/v1/users/me/"})
    with pytest.raises(FixSettings) as refusal:
        plane.me()
    assert "PLANE_BASE_URL" in refusal.value.person
    assert len(sandbox.requests("GET", "/users/me/")) == 1


LOST = [{"drop": True}, {"status": 502, "body": "<html>bad gateway</html>"}, {"status": 201, "body": "<html>ok</html>"}]


@pytest.mark.parametrize("lost", LOST)
def test_a_lost_answer_to_a_create_without_a_mark_leaves_the_outcome_unknown(
    sandbox: Sandbox, plane: Plane, project: str, lost: dict[str, object]
) -> None:
    sandbox.fault(method="POST", path="/work-items/", after=True, **lost)
    with pytest.raises(OutcomeUnknown):
        plane.create_item(project, name="Lost")
    assert len(sandbox.plane.live("work_item", name="Lost")) == 1


@pytest.mark.parametrize("lost", LOST)
def test_a_lost_answer_to_a_create_with_a_mark_is_simply_tried_again(
    sandbox: Sandbox, plane: Plane, project: str, lost: dict[str, object]
) -> None:
    marked = {"name": "Lost", "external_source": "groundcrew", "external_id": "m1"}
    sandbox.fault(method="POST", path="/work-items/", after=True, **lost)
    with pytest.raises(RetryLater):
        plane.create_item(project, **marked)
    assert plane.create_item(project, **marked).adopted
    assert len(sandbox.plane.live("work_item", name="Lost")) == 1


def test_a_connection_that_breaks_before_the_answer_leaves_the_outcome_unknown(http: Http) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_hang_up, args=(listening,), daemon=True).start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with pytest.raises(OutcomeUnknown):
            Plane(Access(http, url, Token("t")), "w").create_item("p", name="Lost")


def _hang_up(listening: socket.socket) -> None:
    connection, _ = listening.accept()
    connection.recv(65_536)
    connection.close()


def test_a_lost_answer_to_a_patch_is_simply_tried_again(
    sandbox: Sandbox, plane: Plane, project: str, item: str
) -> None:
    sandbox.fault(method="PATCH", path="/work-items/", drop=True, after=True)
    with pytest.raises(RetryLater):
        plane.update_item(project, item, name="Again")


@pytest.mark.parametrize("parts", [("",), ("workspaces", ""), ("..",), ("workspaces", ".", "x")])
def test_a_path_with_a_hole_is_never_sent(parts: tuple[str, ...]) -> None:
    with pytest.raises(Gone):
        joined(parts)


def test_an_id_cannot_climb_out_of_its_place() -> None:
    assert joined(("workspaces", "a/../b?c=d#e")) == "workspaces/a%2F..%2Fb%3Fc%3Dd%23e"
