from __future__ import annotations

import pytest

from planeapp.customers import cards
from planeapp.customers.models import Company, Errand
from planeapp.sandbox.plane import comments
from planeapp.sandbox.plane.html import stripped
from planeapp.sandbox.store import Doc
from planeapp.sync.models import TimelineEntry
from tests.customers.shop import Shop, shop
from tests.vendors import team, vendors

__all__ = ["shop", "team", "vendors"]
KNOWN = {"phase": "Onboarding", "health": 7.5, "owner_name": "Olga", "revenue": 120000.0, "renewal": "2027-01-31"}


def work(shop: Shop) -> list[str]:
    """One turn; gives the calls to Plane."""
    shop.forget()
    cards.work(shop.connection, "")
    return shop.asked()


def written(shop: Shop, number: int = 1) -> list[Doc]:
    return shop.team.vendors.rows.live("comment", issue=shop.item(number), external_id=f"card:{shop.item(number)}")


def text(shop: Shop) -> str:
    (card,) = written(shop)
    return " ".join(stripped(card["comment_html"].replace("<", " <")).split())


@pytest.fixture
def acme(shop: Shop) -> Company:
    """A company that CUST-1 waits for; the card was chosen."""
    shop.choose(card=True)
    shop.link("a")
    return shop.company("a", "Acme", values=dict(KNOWN), url="https://planhat.example/a")


def test_an_open_item_gets_one_card_with_what_is_known_of_its_company(shop: Shop, acme: Company) -> None:
    work(shop)
    assert text(shop) == (
        "What Planhat knows: Acme Phase: Onboarding Health: 7.5 Owner: Olga Revenue: 120,000 Renewal: 2027-01-31"
    )
    assert 'href="https://planhat.example/a"' in written(shop)[0]["comment_html"]
    assert work(shop) == []


def test_a_card_is_edited_in_place_with_one_call_when_a_fact_changes(shop: Shop, acme: Company) -> None:
    work(shop)
    Company.objects.update(values={**KNOWN, "custom:Seats": 5.0})
    assert work(shop) == [], "nobody reads that on the card"
    Company.objects.update(values={**KNOWN, "phase": "Live"})
    (call,) = work(shop)
    assert call.startswith("PATCH") and "Phase: Live" in text(shop)
    assert work(shop) == []


def test_nothing_is_written_where_no_card_is_wanted_or_work_is_over(shop: Shop, acme: Company) -> None:
    shop.link("a", number=2, state="completed")
    shop.link(number=3)
    shop.link("never heard of", number=4)
    work(shop)
    assert [len(written(shop, number)) for number in (1, 2, 3, 4)] == [1, 0, 0, 0]
    shop.choose()
    Company.objects.update(values={})
    assert work(shop) == []


def test_a_card_that_a_killed_worker_wrote_is_found_again(shop: Shop, acme: Company) -> None:
    work(shop)
    shop.connection.notes.all().delete()
    Company.objects.update(values={**KNOWN, "phase": "Live"})
    work(shop)
    assert "Phase: Live" in text(shop)
    assert work(shop) == []


def test_who_deletes_a_card_is_not_given_another(shop: Shop, acme: Company) -> None:
    work(shop)
    comments.delete(shop.team.vendors.rows, written(shop)[0], shop.team.vendors.person("ada"))
    for phase in ("Live", "Lost"):
        Company.objects.update(values={"phase": phase})
        work(shop)
    assert written(shop) == []
    assert work(shop) == []


def test_a_card_says_when_no_company_waits_any_more(shop: Shop, acme: Company) -> None:
    work(shop)
    shop.pair.links.update(ours={"state": "started", "parties": []})
    work(shop)
    assert text(shop) == "This work item is tied to no company any more."
    assert work(shop) == []


def test_all_companies_of_an_item_stand_on_one_card_but_not_too_many(shop: Shop, acme: Company) -> None:
    for number in range(12):
        shop.company(f"b{number:02}", f"*B{number:02}*")
    shop.pair.links.update(ours={"state": "started", "parties": ["a", *(f"b{number:02}" for number in range(12))]})
    work(shop)
    told = text(shop)
    assert "Acme" in told and "*B08*" in told and "*B09*" not in told and told.endswith("and 3 more")


def test_urgent_work_comes_first_and_the_rest_with_another_turn(
    shop: Shop, acme: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cards, "MOST", 1)
    shop.link("a", number=2, priority="urgent")
    work(shop)
    assert [len(written(shop, number)) for number in (1, 2)] == [0, 1] and Errand.objects.get().kind == "cards"
    work(shop)
    assert len(written(shop, 1)) == 1


def test_a_refusal_is_told_once_and_not_tried_all_the_time(shop: Shop, acme: Company) -> None:
    shop.team.vendors.plane.fault("/comments/", method="POST", status=400, body='{"error": "No comments here"}')
    assert work(shop)
    assert TimelineEntry.objects.get(item_id=shop.item()).text.startswith("No card was written:")
    assert work(shop) == [] and written(shop) == []
    Company.objects.update(values={"phase": "Live"})
    work(shop)
    assert len(written(shop)) == 1


def test_markup_in_a_company_s_name_stays_text(shop: Shop, acme: Company) -> None:
    Company.objects.update(name="<b>A</b> [x](https://evil.example)", url="")
    work(shop)
    assert "<b>" not in written(shop)[0]["comment_html"] and "href" not in written(shop)[0]["comment_html"]
