from __future__ import annotations

from typing import Any

import pytest

from planeapp.customers.models import Company, Errand
from planeapp.installations.models import AuditEntry, Connection
from planeapp.sync.models import Due, ProjectPair, Tie
from tests.customers.factories import (
    KNOWS_COMPANIES,
    CompanyChangeFactory,
    CompanyFactory,
    CompanyRuleFactory,
    FiringFactory,
)  # fmt: skip
from tests.dashboard.knowing import Know, know, knowing
from tests.factories import ItemLinkFactory, TieFactory, TimelineEntryFactory
from tests.vendors import Team

__all__ = ["know"]


@pytest.fixture
def near(team: Team) -> Know:
    """The same in the sandbox's workspace, with the sandbox's Planhat."""
    made = knowing(team.installation)
    made.connection.delete()
    made.connection = team.connect("planhat")
    Connection.objects.filter(pk=made.connection.pk).update(report=made.connection.report | KNOWS_COMPANIES)
    made.connection.refresh_from_db()
    return made


def of(company: Company, more: str = "") -> str:
    """The address of a company's page within the pages of companies."""
    return f"of/{company.pk}/{more}"


def test_the_page_tells_facts_ids_domains_and_fields_of_the_customers_own(know: Know) -> None:
    acme = know.company(
        values={"phase": "Trial", "tags": ["vip"], "custom:Terminal": "T5"}, external_id="ACME-1", source_id="sf-9",
        url="https://app.planhat.example/acme",
    )  # fmt: skip
    acme.domains.create(domain="acme.example")
    page = know.looks(of(acme))
    assert all(
        text in page for text in ("Trial", "vip", "Terminal", "T5", "ACME-1", "sf-9", "acme.example", "Open in Planhat")
    )


def test_a_company_of_another_workspace_is_not_found(know: Know) -> None:
    foreign = CompanyFactory()
    know.page(of(foreign), 404)
    assert know.admin.post(know.base + of(foreign, "tie/"), {"key": "CUST-1"}).status_code == 404


def test_work_items_show_state_and_why_open_ones_first(know: Know) -> None:
    acme = know.company()
    told = (("CUST-1", {"state": "completed"}), ("CUST-2", {"title": "Gate", "state": "started"}))
    links = [ItemLinkFactory(pair__connection=know.connection, item_key=key, ours=ours) for key, ours in told]
    for link in links:
        TieFactory(connection=know.connection, item_id=link.item_id, party_id=acme.remote_id, origin=Tie.Origin.RULE)
    ItemLinkFactory(
        pair__connection=know.connection, item_key="CUST-3", ours={"state": "backlog", "parties": [acme.remote_id]}
    )
    page = know.looks(of(acme))
    assert page.index("CUST-2") < page.index("CUST-3") < page.index("CUST-1")
    assert all(text in page for text in ("By a rule", "By a label", "Gate"))


def test_a_longer_id_that_holds_ours_is_another_company(know: Know) -> None:
    acme = know.company(remote_id="12")
    ItemLinkFactory(pair__connection=know.connection, item_key="CUST-9", ours={"parties": ["123"]})
    assert "CUST-9" not in know.page(of(acme))


def test_a_work_item_is_tied_by_its_key_and_looked_at(near: Know, team: Team) -> None:
    acme = near.company()
    page = near.send(of(acme, "tie/"), key=" cust-1 ")
    tie = Tie.objects.get()
    assert "CUST-1 is tied to Acme Air now." in page
    assert (str(tie.item_id), tie.party_id, tie.origin, tie.item_key) == (
        team.item()["id"],
        acme.remote_id,
        "person",
        "CUST-1",
    )
    assert Due.objects.get().item_id == team.item()["id"]
    assert "already" in near.send(of(acme, "tie/"), key="CUST-1")
    assert AuditEntry.objects.filter(action="tied").count() == Tie.objects.count() == 1


@pytest.mark.parametrize(("key", "told"), [("CUST-999", "We find no work item CUST-999"), ("", "Write the key")])
def test_a_key_that_is_none_is_explained_at_the_field(near: Know, key: str, told: str) -> None:
    assert told in near.send(of(near.company(), "tie/"), 422, key=key)
    assert not Tie.objects.exists()


def test_plane_being_down_is_said_in_plain_words(near: Know, team: Team) -> None:
    team.vendors.plane.fault(".*work-items.*", status=503, times=50)
    assert "Error:" in near.send(of(near.company(), "tie/"), 422, key="CUST-1")


def test_untying_asks_for_a_look_and_is_harmless_twice(know: Know) -> None:
    acme = know.company()
    tie = TieFactory(connection=know.connection, party_id=acme.remote_id, item_key="CUST-1")
    ProjectPair.objects.create(
        connection=know.connection, project_id=tie.project_id, project_key="CUST", place_id="issues"
    )
    address = f"/w/air/items/{tie.item_id}/companies/planhat/untie/"
    for told in ("is no longer tied to", "not tied to this company any more"):
        answer = know.admin.post(address, {"party": acme.remote_id, "back": "company"}, follow=True)
        assert told in answer.content.decode() and answer.redirect_chain[0][0] == know.base + of(acme)
    tie.refresh_from_db()
    assert (tie.state, Due.objects.count()) == (Tie.State.OFF, 1)
    assert AuditEntry.objects.filter(action="untied").count() == 1


def test_what_a_label_tied_is_shut_out_for_good(know: Know) -> None:
    acme = know.company()
    link = ItemLinkFactory(pair__connection=know.connection, item_key="CUST-3", ours={"parties": [acme.remote_id]})
    know.connection.label_ties.create(label="acme", party_id=acme.remote_id, party_name=acme.name)
    know.admin.post(f"/w/air/items/{link.item_id}/companies/planhat/untie/", {"party": acme.remote_id}, follow=True)
    assert Tie.objects.get().state == Tie.State.OFF
    assert "CUST-3" not in know.page(of(acme))


def test_changes_show_before_and_after(know: Know) -> None:
    change = CompanyChangeFactory(company=know.company(), before="Trial", after="Onboarding")
    page = know.looks(of(change.company))
    assert "<del>Trial</del>" in page and "<ins>Onboarding</ins>" in page


def test_a_firing_shows_its_steps_and_a_failed_one_can_be_tried_again(know: Know) -> None:
    rule = CompanyRuleFactory(connection=know.connection, name="Kick-off")
    plan = [{"do": "comment", "html": "<p>Hello</p>", "items": [{"item": "x", "key": "CUST-7"}], "more": 0}]
    firing = FiringFactory(rule=rule, company=know.company(), state="failed", detail="Plane refused it.", plan=plan)
    page = know.page(of(firing.company))
    assert all(text in page for text in ("Kick-off", "Comment “Hello” on CUST-7.", "Plane refused it.", "Try again"))
    assert "is tried again" in know.send(f"log/{firing.pk}/retry/", back="company")
    firing.refresh_from_db()
    assert firing.state == "waiting"
    assert "Nothing was changed" in know.send(f"log/{firing.pk}/retry/")


def test_what_could_not_be_written_is_told_and_tried_again(know: Know) -> None:
    acme = know.company(counts={"refused": {"figures": {}, "at": "2026-01-01T00:00:00+00:00", "text": "x"}})
    assert "could not be written" not in know.page(of(acme))
    TimelineEntryFactory(
        installation=know.installation,
        connection=know.connection,
        item_id=None,
        text="No such field.",
        data={"company": acme.remote_id},
    )
    assert "No such field." in know.looks(of(acme))
    know.send(of(acme, "retry/"))
    acme.refresh_from_db()
    assert acme.counts == {}
    assert {"read", "tallies", "mirror"} <= set(Errand.objects.values_list("kind", flat=True))


def test_contacts_are_asked_for_only_on_demand(near: Know, team: Team) -> None:
    acme = near.company(remote_id=_sandbox_company(team)["_id"])
    team.vendors.planhat.control.requests.clear()
    assert "Show the contacts" in near.page(of(acme))
    assert team.vendors.planhat.asked("GET") == []
    assert "Show the contacts" not in near.page(of(acme) + "?contacts")
    assert team.vendors.planhat.asked("GET", "endusers") != []


def test_a_contact_is_added_once(near: Know, team: Team) -> None:
    acme = near.company(remote_id=_sandbox_company(team)["_id"])
    for _ in range(2):
        page = near.send(of(acme, "contacts/"), email="new@acme.example", name="Nell New")
        assert "Nell New" in page and page.count("new@acme.example</td>") == 1
    assert AuditEntry.objects.filter(action="added_contact").exists()
    assert "valid email" in near.send(of(acme, "contacts/"), 422, email="no-address")


def _sandbox_company(team: Team) -> dict[str, Any]:
    found: dict[str, Any] = team.vendors.planhat.store.all("companies")[0]
    return found


def test_a_member_sees_no_button_and_may_not_press_one(know: Know) -> None:
    acme = know.company()
    assert "Untie" not in know.looks(of(acme)) and "Tie it to" not in know.looks(of(acme))
    for path in ("tie/", "contacts/", "retry/"):
        assert know.member.post(know.base + of(acme, path)).status_code == 403
