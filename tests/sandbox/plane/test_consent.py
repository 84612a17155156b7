"""The consent page: who may install, what comes back, and what is never sent anywhere."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from planeapp.sandbox.plane import auth

from .conftest import Sandbox


@pytest.fixture
def question(app_url: str) -> dict[str, str]:
    return {
        "client_id": "sandbox-client",
        "response_type": "code",
        "redirect_uri": app_url + "/oauth/plane/callback/",
        "scope": "projects:read projects.work_items:read",
        "state": "s-1",
    }


def decide(
    sandbox: Sandbox, question: dict[str, str], decision: str = "approve", user: str = "ada", **more: str
) -> httpx2.Response:
    form = question | {"decision": decision, "workspace": "sandbox"} | more
    return sandbox.http.post("/auth/o/authorize-app/", data=form, headers={"Cookie": f"sandbox_user={user}"})


def came_back(answer: httpx2.Response) -> dict[str, str]:
    assert answer.status_code == 302
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


def test_the_page_names_the_app_its_scopes_and_both_buttons(sandbox: Sandbox, question: dict[str, str]) -> None:
    page = sandbox.http.get("/auth/o/authorize-app/", params=question).text
    for part in ("Allow Groundcrew?", "projects.work_items:read", 'id="approve"', 'id="deny"', "Sandbox Air"):
        assert part in page


def test_approving_in_a_new_workspace_installs(sandbox: Sandbox, question: dict[str, str]) -> None:
    answer = came_back(decide(sandbox, question))
    assert answer.keys() == {"code", "app_installation_id", "state"} and answer["state"] == "s-1"
    installation = sandbox.plane.one("installation", answer["app_installation_id"])
    assert installation and installation["installed_by"] == sandbox.person("ada")["id"]


def test_approving_again_signs_in_and_keeps_the_installation(sandbox: Sandbox, question: dict[str, str]) -> None:
    decide(sandbox, question)
    assert came_back(decide(sandbox, question, user="milo")).keys() == {"code", "state"}
    assert len(sandbox.plane.live("installation")) == 1


def test_reinstalling_makes_a_new_installation_with_the_same_bot(sandbox: Sandbox, question: dict[str, str]) -> None:
    first = sandbox.install()
    second = came_back(decide(sandbox, question, reinstall="1"))["app_installation_id"]
    standing = sandbox.plane.live("installation")
    assert [row["id"] for row in standing] == [second] != [first["id"]]
    assert standing[0]["app_bot"] == first["app_bot"]


def test_only_an_admin_may_install(sandbox: Sandbox, question: dict[str, str]) -> None:
    answer = decide(sandbox, question, user="milo")
    assert answer.status_code == 403 and "Ask an admin" in answer.text
    assert sandbox.plane.live("installation") == []


def test_a_workspace_of_others_cannot_be_chosen(sandbox: Sandbox, question: dict[str, str]) -> None:
    assert decide(sandbox, question, workspace="other").status_code == 400


def test_denying_goes_back_with_access_denied(sandbox: Sandbox, question: dict[str, str]) -> None:
    assert came_back(decide(sandbox, question, decision="deny")) == {"error": "access_denied", "state": "s-1"}


def test_an_unregistered_redirect_uri_is_told_here_and_not_followed(sandbox: Sandbox, question: dict[str, str]) -> None:
    answer = sandbox.http.get("/auth/o/authorize-app/", params=question | {"redirect_uri": "http://evil.test/"})
    assert answer.status_code == 400 and "location" not in answer.headers


def test_an_unknown_scope_goes_back_as_an_error(sandbox: Sandbox, question: dict[str, str]) -> None:
    answer = sandbox.http.get("/auth/o/authorize-app/", params=question | {"scope": "everything"})
    assert came_back(answer) == {"error": "invalid_scope", "state": "s-1"}


def test_installations_are_seen_by_members_and_by_their_own_bot(sandbox: Sandbox) -> None:
    here, there = sandbox.install(), sandbox.install("other", by="olga")
    milo = auth.issue_token(sandbox.plane, "pln_", sandbox.person("milo")["id"], "profile:read")
    bot = auth.issue_token(sandbox.plane, "pln_bot_", there["app_bot"], "profile:read", there["id"])

    def seen(token: str, **query: str) -> list[str]:
        headers = {"Authorization": f"Bearer {token}"}
        return [
            row["id"] for row in sandbox.http.get("/auth/o/app-installation/", params=query, headers=headers).json()
        ]

    assert seen(milo) == [here["id"]] and seen(milo, id=there["id"]) == []
    assert seen(bot) == [there["id"]] and seen(bot, id=here["id"]) == []


def test_an_installation_shows_workspace_bot_and_webhook(sandbox: Sandbox) -> None:
    installation = sandbox.install()
    headers = {
        "Authorization": "Bearer " + auth.issue_token(sandbox.plane, "pln_", sandbox.person("ada")["id"], "read")
    }
    [row] = sandbox.http.get(f"/auth/o/app-installation/?id={installation['id']}", headers=headers).json()
    assert row["status"] == "installed" and row["workspace_detail"]["slug"] == "sandbox"
    assert row["app_bot"] == installation["app_bot"] and row["webhook"] == installation["webhook"]


def test_unticked_boxes_are_not_granted_to_the_person_nor_to_the_bot(
    sandbox: Sandbox, question: dict[str, str]
) -> None:
    ticked = question | {"boxes": "1", "allow": "projects:read"}
    answer = came_back(decide(sandbox, ticked))
    code = sandbox.plane.store.get("code", answer["code"])
    assert code and code["scope"] == "projects:read"
    bot = {"grant_type": "client_credentials", "app_installation_id": answer["app_installation_id"]}
    secret = {"client_id": "sandbox-client", "client_secret": sandbox.plane.world.client_secret}
    told = sandbox.http.post("/auth/o/token/", data=bot | secret | {"scope": question["scope"]}).json()
    assert told["scope"] == "projects:read"
    refused = sandbox.http.post("/auth/o/token/", data=bot | secret | {"scope": "profile:read"})
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_scope")


def test_no_box_at_all_is_told_and_grants_nothing(sandbox: Sandbox, question: dict[str, str]) -> None:
    answer = decide(sandbox, question, boxes="1")
    assert answer.status_code == 400 and "at least one permission" in answer.text
    assert sandbox.plane.live("installation") == []


def test_a_bot_without_the_scope_of_a_call_is_refused_as_plane_does(sandbox: Sandbox) -> None:
    row = sandbox.install()
    token = auth.issue_token(sandbox.plane, "pln_bot_", row["app_bot"], "projects:read", row["id"])
    answer = sandbox.http.get("/api/v1/workspaces/sandbox/members/", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 403
    assert answer.json() == {"detail": "You do not have permission to perform this action."}
