"""Our pages, and the way through them, in a browser that runs no script."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.visitor import PATIENCE_MS, Visitor
from tests.end_to_end.journey import PLANHAT_TOKEN, PLANNER_TOKEN
from tests.harness import Stack, until
from tests.planner_signin import moved

pytestmark = pytest.mark.browser
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture
def olga(browser: Browser, stack: Stack) -> Iterator[Page]:
    """Admin of *Other Airways*, who has just installed the app there."""
    visitor = Visitor.arrive(browser, stack, java_script_enabled=False)
    with closing(visitor.context):
        visitor.sign_in("olga", "/setup/")
        yield visitor.page()
    assert [told for told in visitor.complaints if "a status of 422" not in told] == []


def test_connecting_and_pairing_need_no_script(olga: Page) -> None:
    olga.goto("/w/other/")
    olga.locator("main").get_by_role("link", name="Connect Planner").first.click()
    olga.get_by_label("API token").fill(PLANNER_TOKEN)
    olga.get_by_role("button", name="Connect").click()
    olga.get_by_label("Plane project").select_option(label="Quiet work")
    olga.get_by_label("Planner project").select_option(label="Ramp operations")
    olga.get_by_role("button", name="Pair").click()
    expect(olga.get_by_role("row", name="Quiet work")).to_contain_text("Ramp operations")
    olga.get_by_role("navigation", name="Workspace").get_by_role("link", name="Planhat").click()
    olga.get_by_label("API token").fill(PLANHAT_TOKEN)
    olga.get_by_role("button", name="Connect").click()
    expect(olga.get_by_text("Planhat is connected")).to_be_visible()


def test_planner_is_connected_by_signing_in_there_as_well(olga: Page) -> None:
    olga.goto("/w/other/connect/planner/")
    olga.get_by_role("button", name="Sign in with Planner").click()
    olga.get_by_role("link", name="Continue to").click()
    expect(olga.get_by_role("heading", name="to use your Planner?")).to_be_visible()
    olga.get_by_role("button", name="Approve").click()
    expect(olga.get_by_text("Planner is connected.")).to_be_visible()
    expect(olga.get_by_role("heading", name="What this connection can do")).to_be_visible()


def test_a_sign_in_host_that_an_admin_allows_is_reached_though_our_policy_does_not_know_it(
    olga: Page, stack: Stack
) -> None:
    other = stack.planner.replace("localhost", "127.0.0.1")
    for fault in moved(stack.planner, other):
        httpx2.post(f"{stack.planner}/_sandbox/faults", json=fault)
    olga.goto("/w/other/connect/planner/")
    olga.get_by_text("sign in at another address").click()
    olga.get_by_label("Allowed sign-in addresses").fill(other.removeprefix("http://"))
    olga.get_by_role("button", name="Sign in with Planner").click()
    olga.get_by_role("link", name="Continue to").click()
    expect(olga.get_by_role("heading", name="to use your Planner?")).to_be_visible()
    assert olga.url.startswith(f"{other}/oauth/authorize")
    httpx2.request("DELETE", f"{stack.planner}/_sandbox/faults")


def test_a_wrong_token_is_explained_and_what_was_chosen_stays(olga: Page) -> None:
    olga.goto("/w/other/connect/planhat/")
    if olga.get_by_text("Replace the token").count():
        olga.get_by_text("Replace the token").click()
    olga.get_by_label("API token").fill("not-the-token")
    olga.get_by_label("How the token is sent").select_option(label="Basic")
    olga.locator("main form", has=olga.get_by_label("API token")).get_by_role("button").click()
    expect(olga.get_by_role("alert")).to_contain_text("does not accept this token")
    expect(olga.get_by_label("How the token is sent")).to_have_value("basic")


def test_menus_open_and_sign_out_works_without_script(olga: Page) -> None:
    olga.goto("/w/other/")
    olga.locator("header summary").click()
    olga.get_by_role("button", name="Sign out").click()
    expect(olga.get_by_role("link", name="Sign in with Plane")).to_be_visible()


def test_a_comment_without_script_is_answered(olga: Page, stack: Stack) -> None:
    olga.goto(f"{stack.plane}/other/")
    olga.get_by_role("link", name="Quiet work").click()
    olga.locator("[data-testid=items] a").first.click()
    olga.locator("select[name=mention]").select_option(label="Groundcrew")
    olga.locator("textarea[name=text]").fill("help")
    olga.get_by_role("button", name="Comment").click()
    expect(olga.locator(".comment .words").last).to_contain_text("help")
    until(lambda: olga.reload() and olga.locator(".comment.by-bot").count(), 30, "the answer")
    expect(olga.locator(".comment.by-bot .words")).to_contain_text("schedule")
