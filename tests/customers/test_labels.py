from __future__ import annotations

import pytest

from planeapp.bot.models import Turn
from planeapp.customers import cards, labels, references
from planeapp.customers.models import Company, Errand, Reference
from planeapp.sync.models import Due, LabelTie, Tie, TimelineEntry
from tests.customers.shop import Shop, shop
from tests.vendors import Talk, talk, team, vendors

__all__ = ["shop", "talk", "team", "vendors"]


def work(shop: Shop) -> list[str]:
    """One turn; gives the calls to Plane that write."""
    shop.forget()
    labels.work(shop.connection, "")
    return [call.partition(" ")[0] for call in shop.asked("POST", "PATCH", "DELETE")]


def carried(shop: Shop, number: int = 1) -> list[str]:
    """Names of the labels on a work item that name a customer."""
    rows = shop.team.vendors.rows
    names = [rows.one("label", label)["name"] for label in shop.team.item(number)["labels"]]  # type: ignore[index]
    return sorted(name for name in names if "customer:" in name or "kund:" in name)


@pytest.fixture
def acme(shop: Shop) -> Company:
    """A company that CUST-1 is tied to; labels were chosen."""
    shop.choose(labels=True)
    shop.tie("a")
    return shop.company("a", "Acme")


def test_a_tied_item_gets_a_label_that_names_the_company_beside_its_own(shop: Shop, acme: Company) -> None:
    before = set(shop.team.item()["labels"])
    assert work(shop) == ["POST", "PATCH"]
    assert carried(shop) == ["customer: Acme"] and before < set(shop.team.item()["labels"])
    assert work(shop) == [] and shop.asked() == []


def test_who_takes_the_label_off_is_not_fought(shop: Shop, acme: Company) -> None:
    before = shop.team.item()["labels"]
    work(shop)
    shop.team.vendors.rows.change("work_item", shop.team.item(), shop.team.vendors.person("ada")["id"], labels=before)
    assert work(shop) == [] and carried(shop) == []


def test_a_killed_worker_s_label_is_not_written_again(shop: Shop, acme: Company) -> None:
    work(shop)
    Tie.objects.update(shown=False)
    assert work(shop) == [] and Tie.objects.get().shown


def test_nothing_is_labelled_unless_chosen_or_for_ties_that_were_taken_off(shop: Shop, acme: Company) -> None:
    Tie.objects.update(state=Tie.State.OFF)
    assert work(shop) == []
    Tie.objects.update(state=Tie.State.ACTIVE)
    shop.choose()
    assert work(shop) == [] and carried(shop) == []


def test_namesakes_get_labels_of_their_own_and_each_stands_for_its_company(shop: Shop, acme: Company) -> None:
    shop.choose(labels=True, label_prefix="kund: ")
    other = shop.company("b", "ACME", external_id="A-2")
    shop.tie("b", number=2)
    shop.tie("b")
    work(shop)
    assert (carried(shop), carried(shop, 2)) == (["kund: ACME (A-2)", "kund: Acme"], ["kund: ACME (A-2)"])
    known = {row.name: row for row in Reference.objects.filter(kind=Reference.Kind.LABEL)}
    assert {name: row.company for name, row in known.items()} == {"kund: Acme": acme, "kund: ACME (A-2)": other}
    assert {(row.state, row.how, bool(row.decided_by)) for row in known.values()} == {("matched", "person", True)}
    references.work(shop.connection, "")
    assert dict(LabelTie.objects.values_list("label", "party_id")) == {"kund: acme": "a", "kund: acme (a-2)": "b"}
    assert not Due.objects.exists(), "nobody has to look at items because of our own labels"


def test_a_label_that_stands_for_the_company_already_is_taken(shop: Shop, acme: Company) -> None:
    shop.choose(labels=True, label_prefix="kund: ")
    Reference.objects.create(
        connection=shop.connection, kind="label", key="kund: acme inc", name="kund: Acme Inc", company=acme, state="matched",
        how="domain",
    )  # fmt: skip
    work(shop)
    assert carried(shop) == ["kund: Acme Inc"]


def test_a_label_that_stands_for_something_else_is_left_to_that(shop: Shop, acme: Company) -> None:
    shop.choose(labels=True, label_prefix="kund: ")
    Reference.objects.create(
        connection=shop.connection, kind="label", key="kund: acme", name="kund: Acme", state="ignored"
    )
    work(shop)
    assert carried(shop) == ["kund: Acme (a)"]


@pytest.mark.parametrize(("plan", "expected"), [("switched off", ["customer: Acme"]), ("included", [])])
def test_a_workspace_without_customers_gets_labels_instead(
    shop: Shop, acme: Company, plan: str, expected: list[str]
) -> None:
    shop.choose(customers="linked")
    shop.plan(plan)
    work(shop)
    assert carried(shop) == expected


def test_an_item_that_is_gone_is_left_at_that(shop: Shop, acme: Company) -> None:
    rows = shop.team.vendors.rows
    rows.change("work_item", shop.team.item(), shop.team.vendors.person("ada")["id"], archived_at="2026-01-01")
    assert work(shop) == []
    assert work(shop) == [] and shop.asked() == []


def test_a_refusal_is_told_once_and_not_tried_all_the_time(shop: Shop, acme: Company) -> None:
    shop.team.vendors.plane.fault("/work-items/", method="PATCH", status=400, body='{"error": "Locked"}')
    work(shop)
    assert TimelineEntry.objects.get(item_id=shop.item()).text.startswith("No label was put on it:")
    assert work(shop) == [] and shop.asked() == []
    assert not Tie.objects.get().shown


def test_a_few_items_are_labelled_in_one_turn(shop: Shop, acme: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labels, "MOST", 1)
    shop.tie("a", number=2)
    work(shop)
    assert Errand.objects.get().kind == "labels" and carried(shop, 2) == []
    assert work(shop) == ["PATCH"] and carried(shop, 2) == ["customer: Acme"]


def test_labels_and_cards_that_come_back_as_deliveries_cause_nothing(shop: Shop, acme: Company, talk: Talk) -> None:
    shop.choose(labels=True, card=True)
    shop.link("a")
    work(shop), cards.work(shop.connection, "")
    assert {one["event"] for one in talk.waiting()} >= {"issue", "issue_comment"}
    shop.forget()
    assert set(talk.deliver()) == {200}
    talk.work(), work(shop), cards.work(shop.connection, "")
    assert (shop.asked(), Due.objects.count(), Turn.objects.count()) == ([], 0, 0)
