"""Notes on companies and tasks for their owners, each once."""

from __future__ import annotations

import pytest

from planeapp.lib.errors import FixSettings, Gone, GroundcrewError, RetryLater
from planeapp.providers.planhat.provider import Planhat
from planeapp.sandbox.store import Doc, Store
from tests.providers.planhat.conftest import MakeAccess, allow, deny
from tests.providers.planhat.served import Exchange, Script, Watch, answer_lost

MARK = "done:7:1"
WORDS = ("All work is done", "<h2>Done</h2>\n<p>CUST-12</p>", MARK)


def test_a_note_is_left_on_the_company_in_what_planhat_s_editor_keeps(
    planhat: Planhat, store: Store, acme: Doc
) -> None:
    ident = planhat.tell(acme["_id"], "note", *WORDS)
    (note,) = store.all("conversations")
    assert (note["_id"], note["type"], note["companyId"], note["externalId"]) == (
        ident,
        "note",
        acme["_id"],
        f"plane:{acme['_id']}:{MARK}",
    )
    assert (note["subject"], note["description"]) == (WORDS[0], "<p><strong>Done</strong></p><p>CUST-12</p>")


def test_a_task_is_for_the_company_s_owner(planhat: Planhat, store: Store, acme: Doc) -> None:
    ident = planhat.tell(acme["_id"], "task", *WORDS)
    (task,) = store.all("tasks")
    assert (task["_id"], task["mainType"], task["action"], task["sourceId"]) == (
        ident,
        "task",
        WORDS[0],
        f"plane:{acme['_id']}:{MARK}",
    )
    assert (task["companyId"], task["ownerId"]) == (acme["_id"], acme["owner"])


@pytest.mark.parametrize("owner", ["", "dag@sandbox.test"])
def test_a_task_is_for_nobody_in_particular_when_the_owner_has_left(
    planhat: Planhat, store: Store, acme: Doc, owner: str
) -> None:
    left = store.find("users", email=owner)[0]["_id"] if owner else None
    store.put("companies", acme["_id"], acme | {"owner": left})
    planhat.tell(acme["_id"], "task", *WORDS)
    assert "ownerId" not in store.all("tasks")[0]


@pytest.mark.parametrize(("how", "kind"), [("note", "conversations"), ("task", "tasks")])
def test_telling_twice_leaves_one_as_a_person_has_left_it(
    planhat: Planhat, store: Store, acme: Doc, how: str, kind: str
) -> None:
    first = planhat.tell(acme["_id"], how, *WORDS)
    (row,) = store.all(kind)
    store.put(kind, first, row | {"description": "<p>I called them</p>"})
    assert planhat.tell(acme["_id"], how, "Other", "<p>words</p>", MARK) == first
    assert [one["description"] for one in store.all(kind)] == ["<p>I called them</p>"]


@pytest.mark.parametrize(("how", "kind"), [("note", "conversations"), ("task", "tasks")])
def test_a_lost_answer_leaves_one_when_it_is_told_again(
    planhat: Planhat, server: tuple[Exchange, str], store: Store, acme: Doc, how: str, kind: str
) -> None:
    server[0].app = answer_lost(server[0], "PUT")
    with pytest.raises(RetryLater):
        planhat.tell(acme["_id"], how, *WORDS)
    assert planhat.tell(acme["_id"], how, *WORDS) == store.all(kind)[0]["_id"] and len(store.all(kind)) == 1


def test_a_repeat_costs_one_call(planhat: Planhat, acme: Doc, watch: Watch) -> None:
    planhat.tell(acme["_id"], "note", *WORDS)
    watch.seen.clear()
    planhat.tell(acme["_id"], "note", *WORDS)
    assert watch.lines == [f"GET /conversations/extid-plane%3A{acme['_id']}%3Adone%3A7%3A1"]


def test_one_mark_on_two_companies_is_two_notes(planhat: Planhat, store: Store, acme: Doc, globex: Doc) -> None:
    assert planhat.tell(acme["_id"], "note", *WORDS) != planhat.tell(globex["_id"], "note", *WORDS)
    assert len(store.all("conversations")) == 2


def test_a_company_that_is_gone_is_told_nothing(planhat: Planhat, store: Store) -> None:
    with pytest.raises(Gone):
        planhat.tell("0123456789abcdef01234567", "note", *WORDS)
    assert store.all("conversations") == []


@pytest.mark.parametrize("how", ["note", "task"])
def test_a_missing_right_names_the_model(planhat: Planhat, store: Store, acme: Doc, how: str) -> None:
    allow(store, companies=["view"], users=["view"], conversations=["view"], tasks=["view"])
    with pytest.raises(FixSettings) as caught:
        planhat.tell(acme["_id"], how, *WORDS)
    assert caught.value.code == "no_permission"


def test_a_company_that_is_closed_to_the_token_says_so(planhat: Planhat, store: Store, acme: Doc) -> None:
    deny(store, acme)
    with pytest.raises(FixSettings):
        planhat.tell(acme["_id"], "note", *WORDS)


def test_what_planhat_does_not_take_is_told_in_its_words(script: Script, access: MakeAccess) -> None:
    script.answers = [
        (404, "No such document"),
        (200, {"_id": "c1"}),
        (400, {"createdErrors": ["subject is too long"]}),
    ]
    with pytest.raises(GroundcrewError) as caught:
        Planhat(access()).tell("c1", "note", *WORDS)
    assert "subject is too long" in caught.value.person


def test_a_tenant_that_finds_no_records_by_a_key_is_told_all_the_same(script: Script, access: MakeAccess) -> None:
    said = {"created": 1, "insertsKeys": [{"_id": "n1", "externalId": f"plane:c1:{MARK}"}]}
    script.answers = [(400, {"message": "Cast to ObjectId failed"}), (200, {"_id": "c1"}), (200, said)]
    assert Planhat(access()).tell("c1", "note", *WORDS) == "n1"


def test_there_is_no_other_way_of_telling(planhat: Planhat, acme: Doc) -> None:
    with pytest.raises(FixSettings):
        planhat.tell(acme["_id"], "pigeon", *WORDS)
