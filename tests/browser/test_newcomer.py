"""README, "A walk through the demo", clicked by a person from top to bottom."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.visitor import PATIENCE_MS, Visitor
from tests.harness import Stack, until

pytestmark = pytest.mark.browser
expect.set_options(timeout=PATIENCE_MS)
MOST_CLICKS = 10


def test_a_newcomer_gets_from_the_landing_page_to_a_dragged_block(
    stack: Stack, visitor: Visitor, capsys: pytest.CaptureFixture[str]
) -> None:
    page = visitor.page()
    install(visitor, page)
    connect_planner(visitor, page)
    connect_planhat(visitor, page)
    with capsys.disabled():
        print(f"\nfrom the landing page to three connected systems: {visitor.clicks} clicks on our pages")
    assert visitor.clicks <= MOST_CLICKS
    tracker = schedule_by_mention(visitor)
    link_by_mention(visitor, tracker)
    drag_to_another_day(visitor, tracker)


def install(visitor: Visitor, page: Page) -> None:
    """Steps 1 and 2."""
    page.goto("/")
    visitor.click(page.get_by_role("link", name="Install in Plane").first)
    visitor.click(page.get_by_role("button", name="Approve"))
    expect(page).to_have_url(f"{visitor.stack.app}/w/sandbox/")
    expect(page.locator("header")).to_contain_text("Ada", ignore_case=True)
    expect(page.locator("header")).to_contain_text("Sandbox Air")


def connect_planner(visitor: Visitor, page: Page) -> None:
    """Steps 3 and 4."""
    visitor.click(page.locator("main").get_by_role("link", name="Connect Planner").first)
    settings = visitor.page()
    settings.goto(f"{visitor.stack.planner}/settings/")
    settings.locator("#api").get_by_role("button", name="Copy").first.click()
    expect(settings.locator("#api").get_by_role("button", name="Copied")).to_be_visible()
    paste(visitor, page)
    visitor.click(page.get_by_role("button", name="Connect"))
    expect(page.get_by_text("Planner is connected")).to_be_visible()
    page.get_by_label("Plane project").select_option(label="Customer work")
    page.get_by_label("Planner project").select_option(label="Ramp operations")
    visitor.click(page.get_by_role("button", name="Pair"))
    expect(page.get_by_text("Customer work is now kept in step with Ramp operations.")).to_be_visible()
    settings.goto(visitor.stack.planner)
    until(lambda: reloaded(settings).locator(".block", has_text="Baggage belt 4").count(), 30, "the item's block")
    settings.close()


def connect_planhat(visitor: Visitor, page: Page) -> None:
    """Step 5."""
    visitor.click(page.get_by_role("navigation", name="Workspace").get_by_role("link", name="Planhat"))
    settings = visitor.page()
    settings.goto(f"{visitor.stack.planhat}/settings/")
    settings.locator("#token").click()
    settings.keyboard.press("Control+C")
    settings.close()
    paste(visitor, page)
    visitor.click(page.get_by_role("button", name="Connect"))
    expect(page.get_by_text("Planhat is connected")).to_be_visible()
    expect(page.get_by_role("heading", name="What this connection can do")).to_be_visible()


def paste(visitor: Visitor, page: Page) -> None:
    """Put what was copied into the token's field."""
    page.bring_to_front()
    visitor.click(page.get_by_label("API token"))
    page.keyboard.press("Control+V")
    expect(page.get_by_label("API token")).not_to_have_value("")


def schedule_by_mention(visitor: Visitor) -> Page:
    """Step 6; gives the tracker's page."""
    page = visitor.page()
    page.goto(f"{visitor.stack.plane}/sandbox/browse/CUST-1/")
    mention(page, "schedule tomorrow 10:00 for 2h")
    expect(answers(page).last).to_contain_text("10:00 to 12:00")
    return page


def mention(page: Page, words: str) -> None:
    """Type ``@``, choose the bot in the menu, write, and send."""
    page.locator("#comment-editor").click()
    page.keyboard.type("@")
    page.get_by_role("option", name="Groundcrew").click()
    page.keyboard.type(words)
    page.get_by_role("button", name="Comment").click()
    expect(page.locator(".comment", has_text=words)).to_be_visible()


def answers(page: Page) -> Locator:
    """The bot's comments."""
    return page.locator(".comment.by-bot .words")


def link_by_mention(visitor: Visitor, tracker: Page) -> None:
    """Step 7."""
    mention(tracker, "link Acme Air")
    expect(answers(tracker)).to_have_count(2)
    expect(answers(tracker).last).to_contain_text("Acme Air")
    page = visitor.page()
    page.goto(visitor.stack.planhat)
    page.get_by_role("link", name="Acme Air", exact=True).click()
    expect(page.locator("#issues")).to_contain_text("[CUST-1] Baggage belt 4 jams on oversized ski bags")


def drag_to_another_day(visitor: Visitor, tracker: Page) -> None:
    """Step 8."""
    page = visitor.page()
    page.goto(visitor.stack.planner)
    block = page.locator(".block[data-start*=T]", has_text="Baggage belt 4")
    if not block.count():  # tomorrow is in the next week
        page.get_by_role("link", name="Later").click()
    start = date.fromisoformat((block.get_attribute("data-start") or "")[:10])
    target = start + timedelta(days=1 if start.weekday() < 6 else -1)
    drag(page, block, page.locator(".lane", has=block).locator(f"[data-date='{target}']"))
    expect(page.locator(f".block[data-start^='{target}']", has_text="Baggage belt 4")).to_be_visible()
    first, last = (tracker.locator(f"#item-form [name={name}_date]") for name in ("start", "target"))
    until(lambda: reloaded(tracker) and first.input_value() == str(target), 30, "the item's dates")
    assert last.input_value() == str(target)


def drag(page: Page, what: Locator, onto: Locator) -> None:
    """With the mouse, button held."""
    for place, press in ((what, page.mouse.down), (onto, page.mouse.up)):
        box = place.bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + min(box["height"] / 2, 20), steps=8)
        press()


def reloaded(page: Page) -> Page:
    """The page, loaded again."""
    page.reload()
    return page
