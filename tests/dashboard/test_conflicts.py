from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from selectolax.lexbor import LexborHTMLParser, LexborNode

from planeapp.installations.models import AuditEntry, Installation
from planeapp.sync import due, engine
from planeapp.sync.models import Conflict, Due, ProjectPair
from tests.factories import ConflictFactory, InstallationFactory, ItemLinkFactory, MembershipFactory, ProjectPairFactory
from tests.sync.conftest import Bench

pytestmark = pytest.mark.django_db
PAGE = "/w/air/conflicts/"


@pytest.fixture
def pair() -> ProjectPair:
    """A pair of workspace ``air``."""
    made: ProjectPair = ProjectPairFactory(connection__installation=InstallationFactory(slug="air"))
    return made


@pytest.fixture
def ada(client: Client, pair: ProjectPair) -> Client:
    """An admin's browser."""
    membership = MembershipFactory(installation=pair.connection.installation, user__display_name="Ada")
    client.force_login(membership.user)
    return client


def conflict_in(pair: ProjectPair, **more: Any) -> Conflict:
    """An open one about a title."""
    made: Conflict = ConflictFactory(link=ItemLinkFactory(pair=pair, ours={"title": "Belt"}), **more)
    return made


def parsed(browser: Client, page: str = PAGE) -> LexborHTMLParser:
    """The page."""
    return LexborHTMLParser(browser.get(page).content.decode())


def form_of(node: LexborNode, alike: bool = False) -> tuple[str, dict[str, str]]:
    """Address and hidden fields of a conflict's form, or of the one for all alike."""
    form = node.css("form")[1 if alike else 0]
    sent = {str(one.attributes["name"]): str(one.attributes["value"]) for one in form.css("input[type=hidden]")}
    return str(form.attributes["action"]), sent


def choose(browser: Client, stays: str, alike: bool = False, page: str = PAGE) -> str:
    """Click a button of the first conflict; gives the page that follows."""
    [article, *_] = parsed(browser, page).css("article")
    address, sent = form_of(article, alike)
    return browser.post(address, sent | {"stays": stays}, follow=True).content.decode()


def test_a_conflict_shows_what_was_agreed_and_both_sides_values_in_words(ada: Client, pair: ProjectPair) -> None:
    conflict = conflict_in(pair, name="dates", values={"end": ["2026-11-25", "2026-11-26", "2026-11-27"]})
    page = parsed(ada)
    [article] = page.css("article")
    assert article.css_first("h2").text(strip=True) == f"{conflict.link.item_key}: Due date"
    assert article.css_first("h2 a").attributes["href"] == f"/w/air/items/{conflict.link.item_id}/"
    assert [cell.text(strip=True) for cell in article.css("tbody th, td")] == [
        "Due date", "Wed 25 Nov 2026", "Thu 26 Nov 2026", "Fri 27 Nov 2026",
    ]  # fmt: skip
    assert [head.text() for head in article.css("thead th")][2:] == ["Now in Plane", "Now in Planner"]
    assert [button.attributes["value"] for button in article.css("button")] == ["plane", "vendor"]


def test_a_choice_is_kept_with_who_made_it_and_the_item_is_looked_at(ada: Client, pair: ProjectPair) -> None:
    conflict = conflict_in(pair)
    assert "Planner’s value stays; it is written to the other side now." in choose(ada, "vendor")
    conflict.refresh_from_db()
    assert (conflict.choice, conflict.chosen_by) == ("vendor", "Ada")
    assert Due.objects.get().item_id == str(conflict.link.item_id)
    entry = AuditEntry.objects.latest("id")
    assert (entry.action, entry.who, entry.detail["item"], entry.detail["stays"]) == (
        "chose", "Ada", conflict.link.item_key, "Planner",
    )  # fmt: skip


def test_what_is_chosen_shows_as_being_written_until_it_is(ada: Client, pair: ProjectPair) -> None:
    conflict = conflict_in(pair)
    page = choose(ada, "plane")
    assert "Being written" in page and "Plane’s value" in page and "No conflict waits for you" in page
    Conflict.objects.filter(pk=conflict.pk).update(closed_at=timezone.now())
    assert "Being written" not in ada.get(PAGE).content.decode()


def test_a_second_click_finds_it_chosen(ada: Client, pair: ProjectPair) -> None:
    conflict = conflict_in(pair)
    address, sent = form_of(parsed(ada).css("article")[0])
    ada.post(address, sent | {"stays": "plane"})
    answer = ada.post(address, sent | {"stays": "vendor"}, follow=True)
    assert f"{conflict.link.item_key} is already chosen. Nothing was changed." in answer.content.decode()
    assert Conflict.objects.get().choice == "plane"
    assert AuditEntry.objects.filter(action="chose").count() == Due.objects.count() == 1


@pytest.mark.parametrize("alike", [False, True])
def test_values_that_changed_while_somebody_looked_are_shown_again(ada: Client, pair: ProjectPair, alike: bool) -> None:
    conflicts = [conflict_in(pair), conflict_in(pair)]
    address, sent = form_of(parsed(ada).css("article")[0], alike)
    Conflict.objects.filter(pk=conflicts[0].pk).update(values={"title": ["Belt", "Belt 4", "Belt IV"]})
    answer = ada.post(address, sent | {"stays": "vendor"}, follow=True)
    assert "please look once more" in answer.content.decode()
    assert set(Conflict.objects.values_list("choice", flat=True)) == {""}


def test_all_alike_are_chosen_at_once_and_no_others(ada: Client, pair: ProjectPair) -> None:
    for _ in range(3):
        conflict_in(pair)
    other_field = conflict_in(pair, name="notes", values={"notes": ["a", "b", "c"]})
    other_pair = conflict_in(ProjectPairFactory(connection=pair.connection))
    elsewhere = ConflictFactory()
    assert "Choose for all 3 alike" in ada.get(PAGE).content.decode()
    assert "Plane’s values stay in 3 conflicts" in choose(ada, "plane", alike=True)
    left = Conflict.objects.filter(choice="").values_list("pk", flat=True)
    assert set(left) == {other_field.pk, other_pair.pk, elsewhere.pk}
    entry = AuditEntry.objects.get(action="chose")
    assert (entry.detail["conflicts"], entry.detail["field"]) == (3, "title")


def test_a_form_without_a_choice_is_refused_with_the_page(ada: Client, pair: ProjectPair) -> None:
    conflict = conflict_in(pair)
    answer = ada.post(f"{PAGE}{conflict.pk}/choose/", {"stays": "nobody"})
    assert (answer.status_code, "Say which value stays." in answer.content.decode()) == (422, True)
    assert Conflict.objects.get().choice == ""


def test_a_member_looks_and_cannot_choose(pair: ProjectPair) -> None:
    conflict = conflict_in(pair)
    milo = Client()
    milo.force_login(MembershipFactory(installation=pair.connection.installation, plain=True).user)
    page = parsed(milo)
    assert "Belt four" in page.css_first("article").text() and page.css_first("article form") is None
    assert "Please ask one of them" in page.css_first("main").text()
    assert milo.post(f"{PAGE}{conflict.pk}/choose/", {"stays": "plane"}).status_code == 403


def test_without_conflicts_the_page_says_so_and_nothing_points_to_it(ada: Client) -> None:
    assert "No conflict waits for you" in ada.get(PAGE).content.decode()
    overview = parsed(ada, "/w/air/")
    assert overview.css_first("[data-testid=conflicts]") is None and overview.css_first(".nav__count") is None


def test_conflicts_are_counted_in_the_navigation_and_on_the_overview(ada: Client, pair: ProjectPair) -> None:
    conflict_in(pair), conflict_in(pair), ConflictFactory()
    overview = parsed(ada, "/w/air/")
    assert overview.css_first(".nav__count").text(deep=False, strip=True) == "2"
    note = overview.css_first("[data-testid=conflicts]")
    assert "2 conflicts wait for you." in note.text() and note.css_first("a").attributes["href"] == PAGE


def test_a_member_reads_who_has_to_choose(pair: ProjectPair) -> None:
    conflict_in(pair)
    milo = Client()
    milo.force_login(MembershipFactory(installation=pair.connection.installation, plain=True).user)
    assert "1 conflict waits for an admin." in parsed(milo, "/w/air/").css_first("[data-testid=conflicts]").text()


def test_many_conflicts_are_shown_bit_by_bit(
    ada: Client, pair: ProjectPair, django_assert_max_num_queries: Any
) -> None:
    for _ in range(60):
        conflict_in(pair)
    with django_assert_max_num_queries(25):
        page = parsed(ada)
    assert len(page.css("article")) == 25
    assert "The 25 oldest of 60 are shown." in page.css_first("main").text()


@pytest.mark.parametrize("stays", ["plane", "vendor"])
def test_a_choice_on_the_page_ends_with_both_sides_holding_it(bench: Bench, boss: Client, stays: str) -> None:
    ProjectPair.objects.filter(pk=bench.pair.pk).update(rules={"title": {"direction": "both", "winner": "ask"}})
    bench.pair.refresh_from_db()
    engine.run_pair(bench.pair)
    bench.patch(name="From Plane")
    bench.world.edit(bench.rows()[0].id, title="From the shelf")
    engine.run_pair(bench.pair)
    page = f"/w/{Installation.objects.get().slug}/conflicts/"
    assert "Memory’s" in parsed(boss, page).css_first("article").text()
    choose(boss, stays, page=page)
    Due.objects.update(due_at=timezone.now())  # without the little pause for stragglers
    assert due.work_batch(whole=False) == 1
    assert {bench.title, bench.rows()[0].values["title"]} == {"From Plane" if stays == "plane" else "From the shelf"}
    assert Conflict.objects.get().closed_at is not None
    assert "No conflict waits for you" in boss.get(page).content.decode()
