"""The whole job once, over real HTTP, with plain forms."""

from __future__ import annotations

from datetime import date, timedelta

import httpx2

from tests.end_to_end.journey import Newcomer
from tests.harness import Stack, until

BELT = "Baggage belt 4 jams on oversized ski bags"


def day(days: int) -> str:
    """A date counted from today."""
    return (date.today() + timedelta(days=days)).isoformat()


def test_the_web_app_is_alive_and_ready(stack: Stack) -> None:
    assert httpx2.get(f"{stack.app}/healthz", trust_env=False).status_code == 200
    ready = httpx2.get(f"{stack.app}/readyz", trust_env=False)
    assert (ready.status_code, ready.json()) == (200, {"ok": True})


def test_installing_from_plane_ends_signed_in_on_the_overview(ada: Newcomer) -> None:
    page = ada.web.get(f"{ada.stack.app}/w/sandbox/")
    assert page.status_code == 200
    assert "Sandbox Air" in page.text
    assert "Planhat" in page.text and "Planner" in page.text


def test_installing_again_keeps_what_was_set_up(ada: Newcomer) -> None:
    page = ada.install()
    assert page.url.path == "/w/sandbox/"
    assert "Ramp operations" in ada.web.get(f"{ada.stack.app}/w/sandbox/pairs/planner/").text


def test_a_mention_is_answered_once_though_plane_tells_of_it_three_times(ada: Newcomer) -> None:
    answer = ada.ask("CUST-3", "help")
    assert "schedule" in answer and "link" in answer
    deliveries = ada.stack.manage("shell", "-c", COUNT_OPEN).stdout
    until(lambda: ada.stack.manage("shell", "-c", COUNT_OPEN).stdout.strip().endswith("0"), 10, "all deliveries to end")
    assert len(ada.answers("CUST-3")) == 1, deliveries


COUNT_OPEN = """
from planeapp.inbox.models import Delivery
print(Delivery.objects.filter(state__in=["waiting", "working", "failed"]).count())
"""


def test_scheduling_by_mention_makes_a_block_and_dates_the_item(ada: Newcomer) -> None:
    answer = ada.ask("CUST-1", "schedule tomorrow 10:00 for 2h")
    assert "10:00 to 12:00" in answer
    [block] = ada.blocks(BELT, day(1))
    assert block["data-start"].startswith(day(1))
    item = ada.item("CUST-1")
    assert (item["start_date"], item["target_date"]) == (day(1), day(1))
    assert "10:00" in ada.ask("CUST-1", "status")


def test_changed_dates_move_the_block_and_a_moved_block_changes_the_dates(ada: Newcomer) -> None:
    title = "Turnaround board shows the old gate after a swap"
    ada.set_fields("CUST-2", start_date=day(40), target_date=day(42))
    [block] = until(lambda: ada.blocks(title, day(41)), 15, "the moved block")
    ada.move_block(str(block["data-id"]), start=day(44), end=day(45), all_day="on")
    until(lambda: ada.item("CUST-2")["start_date"] == day(44), 15, "the item's dates")
    assert ada.item("CUST-2")["target_date"] == day(45)
    assert len(ada.blocks(title, day(44))) == 1


def test_linking_a_company_by_mention_shows_the_item_on_its_page(ada: Newcomer) -> None:
    assert "Acme Air" in ada.ask("CUST-4", "link Acme Air")
    [company] = [row for row in ada.planhat("/leancompanies") if row["name"] == "Acme Air"]
    page = ada.web.get(f"{ada.stack.planhat}/company/{company['_id']}").text
    assert "[CUST-4] Renewal review with Nordwind Air" in page
    assert f"{ada.stack.plane}/sandbox/browse/CUST-4/" in page


def test_a_name_that_two_companies_share_is_asked_about_and_nothing_is_tied(ada: Newcomer) -> None:
    answer = ada.ask("CUST-5", "link Northwind")
    assert "Which company" in answer
    assert not [row for row in ada.planhat("/issues") if "CUST-5" in row["title"]]


def test_milo_who_is_a_member_may_look_and_not_change(stack: Stack, ada: Newcomer) -> None:
    milo = Newcomer(stack)
    milo.web.post(f"{stack.plane}/who/", data={"user": "milo", "next": "/"})
    page = milo.submit(milo.web.get(f"{stack.app}/signin/"), "form:has([name=next])")
    milo.submit(page, "form:has(#approve)", decision="approve")
    assert milo.web.get(f"{stack.app}/w/sandbox/").status_code == 200
    assert milo.web.get(f"{stack.app}/w/sandbox/connect/planner/").status_code == 403


def test_planner_is_connected_by_its_own_sign_in_beside_the_token(ada: Newcomer) -> None:
    page = ada.web.get(f"{ada.stack.app}/w/sandbox/connect/planner/")
    asked = ada.leave(ada.submit(page, "form:has([name=client_id])"))
    assert asked.url.path == "/oauth/authorize", asked.text
    back = ada.submit(asked, "form:has(#approve)", decision="approve", action="approve")
    assert back.url.path == "/w/sandbox/connect/planner/", back.text
    assert "Planner is connected" in back.text
    assert "10:00" in ada.ask("CUST-6", "schedule tomorrow 10:00 for 1h")


def test_a_denied_sign_in_changes_nothing_and_is_explained(ada: Newcomer) -> None:
    page = ada.web.get(f"{ada.stack.app}/w/sandbox/connect/planner/")
    asked = ada.leave(ada.submit(page, "form:has([name=client_id])"))
    denied = ada.submit(asked, "form:has(#deny)", decision="deny", action="deny")
    assert denied.url.path == "/w/sandbox/connect/planner/"
    assert "did not allow" in denied.text
    assert "code=" not in str(denied.url) and "state=" not in str(denied.url)
