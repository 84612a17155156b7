from __future__ import annotations

from typing import Any

import pytest

from planeapp.customers.models import Company
from planeapp.installations.models import AuditEntry
from planeapp.sync.models import Due, ItemLink, ProjectPair, Tie
from tests.dashboard.knowing import Know, know, knowing
from tests.factories import ItemLinkFactory, TieFactory, TimelineEntryFactory
from tests.vendors import Team

__all__ = ["know"]


@pytest.fixture
def link(know: Know) -> ItemLink:
    """A work item of a project that is in step."""
    made: ItemLink = ItemLinkFactory(pair__connection=know.connection, item_key="CUST-1")
    return made


def at(link: Any, more: str = "") -> str:
    """The address of an item's page."""
    return f"/w/air/items/{link.item_id}/{more}"


def text(know: Know, address: str, client: Any = None) -> str:
    """A page's text."""
    return " ".join((client or know.admin).get(address).content.decode().split())


def test_an_items_companies_are_shown_with_why(know: Know, link: ItemLink) -> None:
    for name, origin in (("Acme Air", Tie.Origin.RULE), ("Beta", Tie.Origin.CUSTOMER)):
        TieFactory(
            connection=know.connection, item_id=link.item_id, party_id=know.company(name).remote_id, origin=origin
        )
    label = know.company("Gamma")
    ItemLink.objects.filter(pk=link.pk).update(ours={"parties": [label.remote_id]})
    know.connection.label_ties.create(label="gamma", party_id=label.remote_id, party_name="Gamma")
    page = text(know, at(link), know.member)
    assert all(
        told in page for told in ("Acme Air", "By a rule", "Beta", "By a Plane customer", "Gamma", "By the label gamma")
    )
    assert "Untie" not in page


def test_what_a_person_took_off_is_not_shown(know: Know, link: ItemLink) -> None:
    TieFactory(connection=know.connection, item_id=link.item_id, party_name="Acme Air", state=Tie.State.OFF)
    assert "Acme Air" not in text(know, at(link)) and "Nobody waits for it" in text(know, at(link))


def test_several_companies_are_found_and_tied_at_once(know: Know, link: ItemLink) -> None:
    found = [know.company(f"Acme {place}") for place in ("North", "South", "West")]
    address = at(link, "companies/planhat/?q=acme")
    assert all(one.name in text(know, address) for one in found)
    answer = know.admin.post(address, {"pick": [found[0].pk, found[1].pk]}, follow=True)
    assert "CUST-1 is tied to Acme North, Acme South now." in answer.content.decode()
    assert set(Tie.objects.values_list("party_id", "origin")) == {(one.remote_id, "person") for one in found[:2]}
    assert (Due.objects.get().item_id, AuditEntry.objects.get().action) == (str(link.item_id), "tied")
    know.admin.post(address, {"pick": [found[0].pk, found[1].pk]})
    assert AuditEntry.objects.count() == 1
    assert ">Acme West</a>" in text(know, address) and ">Acme North</a>" not in text(know, address)


def test_nothing_ticked_changes_nothing(know: Know, link: ItemLink) -> None:
    foreign = Company.objects.create(connection=ItemLinkFactory().pair.connection, remote_id="x", name="X", folded="x")
    for pick in ([], [foreign.pk], ["nonsense"]):
        assert know.admin.post(at(link, "companies/planhat/"), {"pick": pick}).status_code == 422
    assert not Tie.objects.exists()


def test_another_company_is_chosen_instead_of_one_that_is_gone(know: Know, link: ItemLink) -> None:
    gone = TieFactory(
        connection=know.connection, item_id=link.item_id, party_id="old", party_name="Old Air", state=Tie.State.GONE
    )
    other = know.company("New Air")
    assert "No longer there" in text(know, at(link)) and "instead=old" in text(know, at(link))
    know.admin.post(at(link, "companies/planhat/"), {"pick": other.pk, "instead": "old"})
    gone.refresh_from_db()
    assert gone.state == Tie.State.OFF
    assert Tie.objects.get(state=Tie.State.ACTIVE).party_id == other.remote_id


def test_looking_again_asks_every_pair_of_the_items_project(know: Know, link: ItemLink) -> None:
    other = ProjectPair.objects.create(
        connection=ItemLinkFactory(pair__connection__installation=know.installation).pair.connection,
        project_id=link.pair.project_id, project_key="CUST", place_id="x",
    )  # fmt: skip
    for _ in range(2):
        assert "is being looked at now" in know.admin.post(at(link, "look/"), follow=True).content.decode()
    assert set(Due.objects.values_list("pair", "item_id")) == {
        (pair, str(link.item_id)) for pair in (link.pair_id, other.pk)
    }
    assert know.member.post(at(link, "look/")).status_code == 403


def test_an_item_that_only_the_timeline_knows_is_looked_up_in_plane(team: Team) -> None:
    know, item = knowing(team.installation), team.item()
    TimelineEntryFactory(installation=team.installation, item_id=item["id"], item_key="CUST-1")
    acme = know.company()
    know.admin.post(f"/w/sandbox/items/{item['id']}/companies/planhat/", {"pick": acme.pk})
    assert str(Tie.objects.get().project_id) == team.project()["id"]
    assert ProjectPair.objects.get().place_id == "issues"


def test_an_item_of_another_workspace_is_not_found(know: Know) -> None:
    foreign = ItemLinkFactory()
    for path in ("look/", "companies/planhat/"):
        assert know.admin.post(at(foreign, path), {"pick": know.company().pk}).status_code == 404
    know.admin.post(at(foreign, "companies/planhat/untie/"), {"party": "x"})
    assert not Tie.objects.exists() and not Due.objects.exists()
