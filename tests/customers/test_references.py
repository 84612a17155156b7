"""Labels and customers of a sandbox Plane, read over HTTP, matched, and carried over to work items."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

import pytest
from pytest_django import Settings

from planeapp.customers import customer_items, customer_list, references, review, ties
from planeapp.customers.models import Company, Errand, Reference
from planeapp.customers.options import Options, save_options
from planeapp.installations.gateways import plane_access, plane_for, side_for
from planeapp.installations.models import Connection, ConnectionNote
from planeapp.lib.errors import OutOfQuota
from planeapp.plane.scopes import MINIMUM_SCOPES, OPTIONAL_SCOPES
from planeapp.sandbox.plane import customers
from planeapp.sync.models import Due, LabelTie, ProjectPair, Tie
from tests.customers.factories import CompanyFactory, KnowingConnectionFactory, ReferenceFactory
from tests.factories import InstallationFactory, ProjectPairFactory
from tests.plane.conftest import Sandbox, http, sandbox

__all__ = ["http", "sandbox"]
State, How = Reference.State, Reference.How


@dataclass
class Room:
    """A connection whose workspace is in the sandbox; its project ``CUST`` is paired."""

    sandbox: Sandbox
    connection: Connection
    pair: ProjectPair

    def want(self, **options: Any) -> None:
        """An admin chooses these options."""
        save_options(self.connection, Options.model_validate(options))

    def company(self, ident: str, name: str, **values: Any) -> Company:
        """A company that was read."""
        made: Company = CompanyFactory(connection=self.connection, remote_id=ident, name=name, **values)
        return made

    def label(self, name: str) -> None:
        """Somebody makes a label in Plane."""
        self.sandbox.gateway().ensure_label(str(self.pair.project_id), name)

    def rename_label(self, name: str, new: str) -> None:
        """Somebody renames a label in Plane, and we hear of it."""
        self.sandbox.plane.change("label", self.sandbox.row("label", name=name), None, name=new)
        side_for(self.connection.installation).about.renew(str(self.pair.project_id), "labels", ours=True)

    def customer(self, name: str, *items: dict[str, Any], **fields: Any) -> dict[str, Any]:
        """Somebody makes a customer in Plane, with these work items on it."""
        plane = self.sandbox.plane
        row = customers.add(
            plane, self.sandbox.row("workspace", slug="sandbox"), self.sandbox.row("user"), name=name, **fields
        )
        customers.tie(plane, row, list(items))
        return row

    def take_off(self, customer: dict[str, Any], item: dict[str, Any]) -> None:
        """Somebody takes a work item off a customer in Plane."""
        plane_for(self.connection.installation).unlink_item(customer["id"], item["id"])

    def item(self, number: int = 0) -> dict[str, Any]:
        """A work item of the project."""
        found: dict[str, Any] = self.sandbox.plane.live("work_item", project=str(self.pair.project_id))[number]
        return found

    def turn(self, *, later: bool = False) -> None:
        """The errand is done once; ``later``: so long after the last time that customers are read once more."""
        if later:
            ConnectionNote.objects.all().delete()
            Reference.objects.update(looked_at=None)
        references.work(self.connection, "")

    def told(self) -> list[tuple[str, str, str, str]]:
        """Every reference: name, state, how, its company."""
        rows = Reference.objects.order_by("name").select_related("company")
        return [(row.name, row.state, row.how, row.company.remote_id if row.company else "") for row in rows]

    def tied(self) -> list[tuple[str, str, str]]:
        """Every tie: company, origin, state."""
        return sorted(Tie.objects.values_list("party_id", "origin", "state"))


@pytest.fixture
def room(db: None, settings: Settings, sandbox: Sandbox) -> Room:
    """Nothing was read yet, and no option is chosen."""
    settings.PLANE_BASE_URL, settings.PLANE_SCOPES = sandbox.url, [*MINIMUM_SCOPES, *OPTIONAL_SCOPES]
    installation = InstallationFactory(
        workspace_id=sandbox.row("workspace", slug="sandbox")["id"],
        slug="sandbox",
        app_installation_id=sandbox.installation,
    )
    plane_access(installation).token()
    connection = KnowingConnectionFactory(installation=installation)
    project = sandbox.row("project", identifier="CUST")
    return Room(sandbox, connection, ProjectPairFactory(connection=connection, project_id=project["id"]))


def test_labels_with_the_prefix_find_their_companies_and_cost_one_call(room: Room) -> None:
    room.company("acme", "Acme Air"), room.company("n1", "Northwind"), room.company("n2", "Northwind")
    for name in ("Customer: ACME air", "customer: Northwind", "customer: Nobody"):
        room.label(name)
    room.want(label_prefix="customer: ")
    asked = len(room.sandbox.requests("GET", "/labels/"))
    room.turn(), room.turn()
    matched = ("Customer: ACME air", State.MATCHED, How.NAME, "acme")
    several, none = (
        ("customer: Northwind", State.AMBIGUOUS, How.NAME, ""),
        ("customer: Nobody", State.UNMATCHED, "", ""),
    )
    assert room.told() == [matched, none, several]
    assert list(LabelTie.objects.values_list("label", "party_id")) == [("customer: acme air", "acme")]
    assert Due.objects.get().asked == 1 and len(room.sandbox.requests("GET", "/labels/")) == asked + 1


def test_a_label_may_say_an_external_id_or_a_domain(room: Room) -> None:
    room.company("acme", "Acme Air", external_id="A-1").domains.create(domain="acme.com")
    room.label("customer: A-1"), room.label("customer: www.acme.com")
    room.want(label_prefix="customer:")
    room.turn()
    assert [row[2:] for row in room.told()] == [("external_id", "acme"), ("domain", "acme")]


def test_a_label_that_was_decided_on_keeps_its_company_among_namesakes(room: Room) -> None:
    room.company("n1", "Northwind")
    second, name = room.company("n2", "Northwind"), "customer: Northwind"
    decided = {"company": second, "state": State.MATCHED, "how": How.PERSON, "decided_by": "Groundcrew"}
    ReferenceFactory(connection=room.connection, kind=Reference.Kind.LABEL, key=name.casefold(), name=name, **decided)
    room.label(name)
    room.want(label_prefix="customer: ")
    room.turn()
    assert (LabelTie.objects.get().party_id, Reference.objects.get().name) == ("n2", name)


def test_a_renamed_label_is_matched_anew_and_the_old_name_stands_for_nothing(room: Room) -> None:
    room.company("acme", "Acme Air"), room.company("globex", "Globex")
    room.label("customer: Acme Air")
    room.want(label_prefix="customer: ")
    room.turn()
    room.rename_label("customer: Acme Air", "customer: Globex")
    room.turn()
    assert list(LabelTie.objects.values_list("label", "party_id")) == [("customer: globex", "globex")]
    assert Reference.objects.exclude(gone_at=None).get().name == "customer: Acme Air"


def test_without_a_prefix_or_a_project_that_we_may_see_nothing_is_read_and_nothing_lost(room: Room) -> None:
    room.company("acme", "Acme Air"), room.label("customer: Acme Air")
    room.turn()
    assert room.told() == []
    room.want(label_prefix="customer: ")
    room.turn()
    ProjectPairFactory(connection=room.connection)  # of a project that is not there
    room.rename_label("customer: Acme Air", "customer: Other")
    room.turn()
    assert LabelTie.objects.filter(label="customer: acme air").exists()


def test_customers_find_their_companies_in_the_promised_order(room: Room) -> None:
    (
        room.company("acme", "Acme Air", external_id="A-1"),
        room.company("globex", "Globex").domains.create(domain="globex.com"),
    )
    room.customer("1", external_source="groundcrew", external_id="globex")
    room.customer("Globex", external_source="crm", external_id="A-1")
    room.customer("Acme Air", website_url="https://www.globex.com/")
    room.customer("acme AIR", email="somebody@gmail.com", domain="Aviation")
    room.want(customers="read")
    room.turn()
    by_name = {(row[0], *row[2:]) for row in room.told()}
    ours, by_id = ("1", "customer", "globex"), ("Globex", "external_id", "acme")
    assert by_name == {ours, by_id, ("Acme Air", "domain", "globex"), ("acme AIR", "name", "acme")}


def test_work_items_of_a_customer_are_tied_and_untied_with_it(room: Room) -> None:
    room.company("acme", "Acme Air")
    customer = room.customer("Acme Air", room.item())
    room.want(customers="read")
    room.turn()
    assert room.tied() == [("acme", "customer", "active")]
    assert Tie.objects.get().item_key.startswith("CUST-") and Due.objects.get().item_id == room.item()["id"]
    room.take_off(customer, room.item())
    room.turn(later=True)
    assert room.tied() == [] and Due.objects.get().asked == 2


def test_what_a_person_tied_or_untied_stays_whatever_the_customer_says(room: Room) -> None:
    acme, first, second = room.company("acme", "Acme Air"), room.item(0), room.item(1)
    customer = room.customer("Acme Air", first, second)
    ties.tie(room.connection, first["project"], first["id"], acme)
    room.want(customers="read")
    room.turn()
    ties.untie(room.connection, second["id"], "acme")
    room.take_off(customer, first)
    room.turn(later=True)
    assert room.tied() == [("acme", "customer", "off"), ("acme", "person", "active")]


def test_what_hangs_on_one_of_two_customers_of_a_company_stays_tied(room: Room) -> None:
    room.company("acme", "Acme Air")
    first, _ = room.customer("Acme Air", room.item(0), room.item(1)), room.customer("acme air", room.item(1))
    room.want(customers="read")
    room.turn()
    room.take_off(first, room.item(1))
    room.turn(later=True)
    assert room.tied() == [("acme", "customer", "active")] * 2


def test_a_customer_that_is_given_to_another_company_takes_its_work_items_along(room: Room) -> None:
    room.company("acme", "Acme Air")
    globex = room.company("globex", "Globex")
    room.customer("Acme Air", room.item())
    room.want(customers="read")
    room.turn()
    assert review.choose(room.connection, str(Reference.objects.get().pk), globex, "Ada")
    room.turn()
    assert room.tied() == [("globex", "customer", "active")]


def test_a_customer_that_was_deleted_lets_its_work_items_go(room: Room) -> None:
    room.company("acme", "Acme Air")
    customer = room.customer("Acme Air", room.item())
    room.want(customers="read")
    room.turn()
    room.sandbox.plane.store.put("customer", customer["id"], customer | {"deleted_at": "2026-11-21T10:00:00Z"})
    Reference.objects.update(looked_at=None)
    room.turn()  # told by the customer itself, before the list is read again
    room.turn()
    assert Reference.objects.get().gone_at is not None and room.tied() == []


def test_a_few_customers_are_asked_in_a_turn_those_that_waited_longest_first(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(customer_items, "TURN", 2)
    for number in range(3):
        room.company(str(number), f"Company {number}")
        room.customer(f"Company {number}", room.item(number))
    room.want(customers="read")
    room.turn()
    assert len(room.tied()) == 2 and Errand.objects.filter(kind="match").exists()
    room.turn()
    assert len(room.tied()) == 3 and len(room.sandbox.requests("GET", "/issues/")) == 3


def _no_call_left() -> NoReturn:
    raise OutOfQuota("no call left")


def test_a_list_of_customers_that_was_stopped_goes_on_at_its_page(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("Acme Air", "Globex"):
        room.customer(name)
    plane = plane_for(room.connection.installation)
    page = plane.customers_page
    monkeypatch.setattr("planeapp.plane.customers.PER_PAGE", 1)
    with monkeypatch.context() as patched, pytest.raises(OutOfQuota):
        patched.setattr(plane, "customers_page", lambda cursor: page() if not cursor else _no_call_left())
        customer_list.read(room.connection, plane)
    assert len(room.told()) == 1
    assert customer_list.read(room.connection, plane) and len(room.told()) == 2
    assert not Reference.objects.exclude(gone_at=None).exists()


def test_a_plan_without_customers_is_not_asked_all_the_time_and_takes_nothing_off(room: Room) -> None:
    room.company("acme", "Acme Air"), room.customer("Acme Air", room.item())
    room.want(customers="read")
    room.turn()
    room.sandbox.plane.store.put("settings", "plan", {"customers": "not in plan (402)"})
    room.turn(later=True)
    asked = len(room.sandbox.requests("GET", "/customers/"))
    room.turn()
    assert room.tied() == [("acme", "customer", "active")]
    assert len(room.sandbox.requests("GET", "/customers/")) == asked
