"""Phase, owner and tags of a company, against the sandbox."""

from __future__ import annotations

from typing import Any

import pytest

from planeapp.lib.errors import FixSettings, Gone
from planeapp.providers.planhat.provider import Planhat
from planeapp.sandbox.store import Doc, Store
from tests.providers.planhat.conftest import allow, deny
from tests.providers.planhat.served import Watch

NOBODY = "0123456789abcdef01234567"


def stored(store: Store, company: Doc) -> Doc:
    found = store.get("companies", company["_id"])
    assert found is not None
    return found


def test_a_phase_is_written_and_the_company_given_back(planhat: Planhat, store: Store, acme: Doc) -> None:
    told = planhat.update_company(acme["_id"], {"phase": "renewal"})
    assert told.values["phase"] == stored(store, acme)["phase"] == "renewal"
    assert told.values["tags"] == ["east coast", "gold"]


@pytest.mark.parametrize("wanted", ["At Risk", " at  risk ", "AT RISK"])
def test_a_phase_in_other_letter_case_is_written_as_the_tenant_writes_it(
    planhat: Planhat, store: Store, acme: Doc, wanted: str
) -> None:
    planhat.companies()
    planhat.update_company(acme["_id"], {"phase": wanted})
    assert stored(store, acme)["phase"] == "at risk"


def test_a_phase_that_nobody_has_is_written_as_it_is(planhat: Planhat, store: Store, acme: Doc) -> None:
    planhat.companies()
    planhat.update_company(acme["_id"], {"phase": "Winding down"})
    assert stored(store, acme)["phase"] == "Winding down"


def test_an_owner_is_found_by_the_address(planhat: Planhat, store: Store, acme: Doc) -> None:
    told = planhat.update_company(acme["_id"], {"owner": "Cleo@Sandbox.test"})
    assert (told.values["owner"], told.values["owner_name"]) == ("cleo@sandbox.test", "Cleo Marchetti")


@pytest.mark.parametrize("email", ["nobody@sandbox.test", "dag@sandbox.test"])
def test_an_owner_who_is_unknown_or_has_left_is_refused_by_the_address(
    planhat: Planhat, store: Store, acme: Doc, email: str
) -> None:
    with pytest.raises(FixSettings) as caught:
        planhat.update_company(acme["_id"], {"owner": email, "phase": "renewal"})
    assert email in caught.value.person and stored(store, acme)["phase"] == "live"


@pytest.mark.parametrize(
    ("change", "tags"),
    [
        ({"add_tags": ("vip",)}, ["gold", "east coast", "vip"]),
        ({"add_tags": ("GOLD", "vip", "Vip", "vip", " ")}, ["gold", "east coast", "vip"]),
        ({"remove_tags": ("Gold", "unknown")}, ["east coast"]),
        ({"add_tags": ("silver",), "remove_tags": ("gold",)}, ["east coast", "silver"]),
        ({"add_tags": ("gold",)}, ["gold", "east coast"]),
    ],
)
def test_single_tags_come_and_go_and_the_others_stay(
    planhat: Planhat, store: Store, acme: Doc, change: dict[str, Any], tags: list[str]
) -> None:
    planhat.update_company(acme["_id"], change)
    assert stored(store, acme)["tags"] == tags


def test_what_stands_there_already_is_not_written(planhat: Planhat, watch: Watch, acme: Doc) -> None:
    planhat.update_company(acme["_id"], {"phase": "live", "owner": "ada@sandbox.test", "add_tags": ("Gold",)})
    assert not any(line.startswith("PUT") for line in watch.lines)


def test_repeating_a_change_writes_once(planhat: Planhat, watch: Watch, acme: Doc) -> None:
    for _ in range(2):
        planhat.update_company(acme["_id"], {"phase": "renewal", "add_tags": ("vip",)})
    assert [line for line in watch.lines if line.startswith("PUT")] == [f"PUT /companies/{acme['_id']}"]


def test_a_phase_and_an_owner_can_be_taken_away(planhat: Planhat, acme: Doc) -> None:
    told = planhat.update_company(acme["_id"], {"phase": None, "owner": ""})
    assert (told.values["phase"], told.values["owner"]) == (None, None)


def test_a_company_that_is_gone_cannot_be_changed(planhat: Planhat) -> None:
    with pytest.raises(Gone):
        planhat.update_company(NOBODY, {"phase": "live"})


def test_nothing_else_of_a_company_is_writable(planhat: Planhat, store: Store, acme: Doc) -> None:
    with pytest.raises(FixSettings):
        planhat.update_company(acme["_id"], {"name": "Mine", "sourceId": "x"})
    assert stored(store, acme)["name"] == "Acme Air"


def test_a_missing_right_names_the_model(planhat: Planhat, store: Store, acme: Doc) -> None:
    allow(store, companies=["view"], users=["view"], customfields=["view"])
    with pytest.raises(FixSettings) as caught:
        planhat.update_company(acme["_id"], {"phase": "renewal"})
    assert caught.value.code == "no_permission" and "Companies" in caught.value.person


def test_a_company_that_is_closed_to_the_token_says_so(planhat: Planhat, store: Store, acme: Doc) -> None:
    deny(store, acme)
    with pytest.raises(FixSettings) as caught:
        planhat.update_company(acme["_id"], {"phase": "renewal"})
    assert caught.value.code == "no_permission"
