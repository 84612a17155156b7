from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.test import Client

from planeapp.inbox.tasks import work_inbox
from planeapp.installations.models import AuditEntry, Connection
from tests.factories import ConnectionFactory
from tests.inbox.sending import DOOR
from tests.vendors import Team

PAGE = "/w/sandbox/connect/planhat/webhook/"


@pytest.fixture
def ada(team: Team, client: Client) -> Client:
    """An admin's browser, in a workspace with Planhat."""
    team.connect("planhat")
    client.force_login(team.members["ada"].user)
    return client


def secret_in(answer: Any) -> str:
    found = re.search(r"X-Planhat-Secret: ([\w-]{20,})", answer.content.decode())
    return found[1] if found else ""


def deliver(secret: str, **body: str) -> int:
    connection = Connection.objects.get()
    address = f"/webhooks/planhat/{connection.opaque_id}/"
    raw = json.dumps({"event": "company.updated", "model": "Company", "id": "c1", **body})
    answer = DOOR.post(address, raw.encode(), content_type="application/json", headers={"X-Planhat-Secret": secret})
    return int(answer.status_code)


def test_a_secret_is_shown_once_and_what_carries_it_is_let_in(ada: Client) -> None:
    assert secret_in(ada.get(PAGE)) == "" and deliver("anything") == 401
    secret = secret_in(ada.post(PAGE))
    assert len(secret) >= 32 and secret not in ada.get(PAGE).content.decode()
    assert deliver(secret) == 200
    work_inbox()
    assert "The last message came" in ada.get(PAGE).content.decode()
    assert AuditEntry.objects.filter(action="made_webhook_secret").count() == 1


def test_the_secret_before_stays_good_until_there_is_a_further_one(ada: Client) -> None:
    first, second = secret_in(ada.post(PAGE)), secret_in(ada.post(PAGE))
    assert (deliver(first), deliver(second)) == (200, 200)
    third = secret_in(ada.post(PAGE))
    assert (deliver(first), deliver(second), deliver(third)) == (401, 200, 200)


def test_a_member_gets_no_secret_and_a_vendor_that_pushes_by_itself_has_no_such_page(ada: Client, team: Team) -> None:
    ConnectionFactory(installation=team.installation, provider="planner")
    assert ada.get("/w/sandbox/connect/planner/webhook/").status_code == 404
    other = Client()
    other.force_login(team.members["milo"].user)
    assert other.post(PAGE).status_code == 403
