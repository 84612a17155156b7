"""Dragging a block on the schedule page, in a browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.sandbox.planner.conftest import Planner, eventually

pytestmark = pytest.mark.browser


@pytest.fixture
def page() -> Iterator[Page]:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None and os.environ.get("REQUIRE_SERVICES") != "1":
        pytest.skip("Chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser.new_page(viewport={"width": 1280, "height": 800})
        browser.close()


def test_a_block_dragged_by_its_middle_moves_by_whole_days_to_the_other_project(planner: Planner, page: Page) -> None:
    fields = {"project_id": "prj_ramp", "title": "Paint", "start": "2026-11-23", "end": "2026-11-25"}
    block = planner.schedule.create(fields)
    page.goto(f"{planner.url}/?date=2026-11-23")
    days = page.locator("section[data-project=prj_winter] a.day")
    width = days.first.evaluate("day => day.clientWidth")
    bar = page.locator(f'.block[data-id="{block["id"]}"]')
    bar.drag_to(days.nth(3), source_position={"x": width * 1.5, "y": 10}, target_position={"x": 30, "y": 110})
    moved = eventually(lambda: planner.store.find("blocks", id=block["id"], project_id="prj_winter"))[0]
    assert (moved["start"], moved["end"]) == ("2026-11-25", "2026-11-27")
    assert planner.events()[0]["type"] == "block.updated"
