"""The companies behind the work, in a browser: found, looked at, tied, and a rule that is tried before it is saved."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_pages import pictured
from tests.browser.visitor import PATIENCE_MS, Visitor
from tests.end_to_end.journey import Newcomer
from tests.harness import until

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
expect.set_options(timeout=PATIENCE_MS)
BASE = "/w/sandbox/companies/planhat/"


@pytest.fixture
def page(people: Callable[[str], Visitor], settled: Newcomer) -> Iterator[Page]:
    """Ada's tab, in a workspace whose companies were read; about it the browser has nothing to complain."""
    ada = people("ada")
    ada.complaints.clear()
    ada.tab.set_viewport_size({"width": 1280, "height": 844})
    ada.tab.goto(BASE)
    if not read(ada.tab):
        ada.tab.get_by_role("button", name="Read all again").click()
        until(lambda: ada.tab.goto(BASE) and read(ada.tab), 60, "the companies")
    yield ada.tab
    assert ada.complaints == []


def read(page: Page) -> bool:
    """Whether the list knows more than the one company that the bot was asked for."""
    return page.get_by_role("link", name="Northwind").count() > 0


def shown(page: Page, **addresses: str) -> None:
    """Each of these pages fits a phone; pictures are taken."""
    for name, address in addresses.items():
        page.goto(address)
        assert pictured(page, f"companies-{name.replace('_', '-')}") == []
    page.set_viewport_size({"width": 1280, "height": 844})


def test_a_company_is_found_while_one_types_and_shows_its_work(page: Page) -> None:
    page.goto("/w/sandbox/")
    page.locator("main").get_by_role("link", name="Companies of Planhat").click()
    page.wait_for_load_state()  # what is typed before the page's scripts are there is searched with Enter only
    page.get_by_label("Find a company").fill("acme ai")
    expect(page.get_by_role("heading", name="What fits “acme ai”")).to_be_visible()
    expect(page).to_have_url(re.compile(r"\?q=acme"))
    page.get_by_role("link", name="Acme Air", exact=True).click()
    expect(page.get_by_role("heading", name="Acme Air", level=1)).to_be_visible()
    expect(page.get_by_role("row", name="CUST-1")).to_contain_text("Tied by a person")
    page.get_by_role("link", name="Show the contacts").click()
    expect(page.locator("#people")).to_contain_text("E-mail")
    shown(
        page,
        company=page.url,
        list=BASE,
        search=f"{BASE}?q=acme",
        options=f"{BASE}options/",
        matching=f"{BASE}matching/",
    )


def test_companies_are_found_on_a_work_items_page_and_ticked(page: Page) -> None:
    page.get_by_role("link", name="Acme Air", exact=True).click()
    page.get_by_role("row", name="CUST-1").get_by_role("link").first.click()
    page.wait_for_load_state()
    item = page.url
    page.get_by_label("Find a company of Planhat").fill("no")
    expect(page.locator("#candidates").get_by_role("checkbox").first).to_be_visible()
    shown(page, item=item, item_choose=f"{item}companies/planhat/?q=no")


def test_a_rule_grows_by_its_buttons_is_tried_and_then_saved(page: Page) -> None:
    page.goto(f"{BASE}rules/")
    page.get_by_role("link", name="Make the first rule").click()
    page.get_by_label("Name of the rule").fill("Kick-off")
    page.get_by_label("does this").select_option(label="changes in any way")
    page.get_by_role("button", name="Write a comment").click()
    page.get_by_label("Comment", exact=True).fill("{company} is in {after} now.")
    page.get_by_role("group", name="Make a work item").get_by_role("button", name="Remove").click()
    expect(page.get_by_label("Title")).to_have_count(0)
    page.get_by_role("button", name="Try on real companies").click()
    expect(page.get_by_role("heading", name="What it would do")).to_be_visible()
    assert pictured(page, "companies-rule-tried") == []
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Kick-off is saved.")).to_be_visible()
    page.get_by_role("row", name="Kick-off").get_by_role("button", name="Switch on").click()
    expect(page.get_by_text("Kick-off is on.")).to_be_visible()
    shown(page, rules=f"{BASE}rules/", log=f"{BASE}log/", rule_new=f"{BASE}rules/new/")
