"""Phone calls, authenticated and open."""

from __future__ import annotations

import pytest

from tests.sandbox.planhat.conftest import Running

CALL = {
    "nr": "+46701234567",
    "externalUserId": "max123",
    "start": "2026-10-17T14:00:00.000Z",
    "end": "2026-10-17T14:02:00.000Z",
    "waiting": 10,
}


def test_a_call_is_created_read_changed_and_deleted(planhat: Running) -> None:
    made = planhat.api.post("/calls", json=CALL).json()
    path = f"/calls/{made['_id']}"
    assert planhat.api.get(path).json()["waiting"] == 10
    assert planhat.api.put(path, json={"waiting": 20}).json()["waiting"] == 20
    assert planhat.api.delete(path).json()["deletedCount"] == 1
    assert planhat.api.get(path).status_code == 404


def test_a_call_is_matched_to_a_contact_by_its_number(planhat: Running) -> None:
    made = planhat.api.post("/calls", json=CALL).json()
    assert made["matchedCompanyId"] == planhat.company()["_id"]


def test_the_open_endpoint_takes_the_tenants_uuid_and_answers_with_an_empty_body(planhat: Running) -> None:
    answer = planhat.client().post(f"/{planhat.world.planhat_tenant}/calls", json=CALL)
    assert (answer.status_code, answer.content) == (200, b"")
    assert [call["nr"] for call in planhat.store.all("calls")] == ["+46701234567"]


def test_the_open_endpoint_refuses_an_authorization_header(planhat: Running) -> None:
    answer = planhat.api.post(f"/{planhat.world.planhat_tenant}/calls", json=CALL)
    assert answer.status_code == 400
    assert planhat.store.all("calls") == []


def test_another_tenants_uuid_is_not_found(planhat: Running) -> None:
    assert planhat.client().post("/199627f7-0d65-52cd-89b9-000000000000/calls", json=CALL).status_code == 404


@pytest.mark.parametrize(
    "wrong", [{"nr": ""}, {"externalUserId": ""}, {"start": "yesterday"}, {"end": "2026-10-17T13:00:00Z"}]
)
def test_an_incomplete_call_is_refused(planhat: Running, wrong: dict[str, str]) -> None:
    assert planhat.api.post("/calls", json=CALL | wrong).status_code == 400


def test_the_later_field_names_are_taken_too(planhat: Running) -> None:
    assert planhat.api.post("/calls", json={"nr": "1", "agentId": "max123", "direction": "out"}).status_code == 200
