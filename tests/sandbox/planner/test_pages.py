"""The schedule page: what a person does there is told like every other change."""

from __future__ import annotations

import pytest
from selectolax.lexbor import LexborHTMLParser

from tests.sandbox.planner.conftest import Planner, Receiver, eventually, find, value

FORM = {
    "title": "Paint",
    "project_id": "prj_ramp",
    "start": "2026-11-23T10:00",
    "end": "2026-11-23T12:00",
    "status": "planned",
}


def html(planner: Planner, path: str) -> LexborHTMLParser:
    answer = planner.http.get(path)
    assert answer.status_code == 200
    return LexborHTMLParser(answer.text)


def made(planner: Planner, **change: str) -> str:
    answer = planner.http.post("/blocks/", data=FORM | change)
    assert answer.status_code == 303
    return str(planner.store.all("blocks")[-1]["id"])


@pytest.mark.parametrize("view", ["week", "month"])
def test_the_board_shows_every_block_of_the_time(planner: Planner, view: str) -> None:
    key = made(planner)
    shown = html(planner, f"/?view={view}&date=2026-11-23").css(".block[data-id]")
    assert key in {block.attributes["data-id"] for block in shown}
    assert key not in planner.http.get(f"/?view={view}&date=2027-03-01").text


def test_the_form_has_the_fields_with_the_blocks_values(planner: Planner) -> None:
    form = find(html(planner, f"/blocks/{made(planner)}/"), "form.block-form")
    values = {name: value(form, f"[name={name}]") for name in ("title", "start", "end")}
    assert values == {name: FORM[name] for name in values}


def test_a_block_made_on_the_page_is_an_event(planner: Planner) -> None:
    key = made(planner)
    event = planner.events()[0]
    assert (event["type"], event["data"]["block"]["id"]) == ("block.created", key)
    assert event["data"]["block"]["start"] == "2026-11-23T10:00:00+01:00"


def test_an_edit_on_the_page_is_an_event_and_a_delivery(planner: Planner, receiver: Receiver) -> None:
    key = made(planner)
    planner.call("POST", "/integrations/webhooks/subscriptions", json={"url": receiver.url})
    planner.http.post(f"/blocks/{key}/", data=FORM | {"title": "Paint twice", "assignee": "per_ada"})
    eventually(lambda: receiver.got)
    block = receiver.events[0]["data"]["block"]
    assert (receiver.events[0]["type"], block["title"], block["assigneeIds"]) == (
        "block.updated",
        "Paint twice",
        ["per_ada"],
    )
    assert planner.events()[0] == receiver.events[0]


def test_saving_what_it_is_already_is_no_event(planner: Planner) -> None:
    key = made(planner, notes="one\r\ntwo")
    before = planner.events()
    planner.http.post(f"/blocks/{key}/", data=FORM | {"notes": "one\r\ntwo"})
    assert planner.events() == before


def test_whole_days_end_on_the_last_day(planner: Planner) -> None:
    key = made(planner, all_day="on", end="2026-11-25T00:00")
    block = planner.events()[0]["data"]["block"]
    assert (block["allDay"], block["startDate"], block["endDate"]) == (True, "2026-11-23", "2026-11-25")
    assert value(html(planner, f"/blocks/{key}/"), "[name=end]") == "2026-11-25"


def test_dragging_to_another_day_and_project_keeps_the_hour(planner: Planner) -> None:
    key = made(planner)
    planner.http.post(f"/blocks/{key}/move/", data={"days": "2", "project_id": "prj_winter"})
    block = planner.events()[0]["data"]["block"]
    assert (block["start"], block["end"]) == ("2026-11-25T10:00:00+01:00", "2026-11-25T12:00:00+01:00")
    assert block["projectId"] == "prj_winter"


def test_dragging_over_the_change_to_summer_time_keeps_the_hour(planner: Planner) -> None:
    key = made(planner, start="2027-03-27T10:00", end="2027-03-27T12:00")
    planner.http.post(f"/blocks/{key}/move/", data={"days": "1"})
    assert planner.events()[0]["data"]["block"]["start"] == "2027-03-28T10:00:00+02:00"


def test_deleting_on_the_page_is_an_event_with_the_last_state(planner: Planner) -> None:
    key = made(planner)
    planner.http.post(f"/blocks/{key}/delete/")
    event = planner.events()[0]
    assert (event["type"], event["data"]["block"]["title"]) == ("block.deleted", "Paint")
    assert planner.store.get("blocks", key) is None


def test_a_wrong_form_comes_back_with_the_reason_beside_the_field(planner: Planner) -> None:
    answer = planner.http.post("/blocks/", data=FORM | {"end": "2026-11-23T09:00"})
    tree = LexborHTMLParser(answer.text)
    assert (answer.status_code, len(planner.store.find("blocks", title="Paint"))) == (422, 0)
    assert find(tree, "#wrong-end").text() == "must be after the start"
    assert value(tree, "[name=title]") == "Paint"


def test_what_a_person_writes_is_shown_as_text(planner: Planner) -> None:
    made(planner, title="<script>alert(1)</script>")
    assert "<script>alert(1)" not in planner.http.get("/?date=2026-11-23").text


def test_a_block_that_is_gone_is_a_page_for_people(planner: Planner) -> None:
    answer = planner.http.get("/blocks/blk_gone/", headers={"Accept": "text/html"})
    assert (answer.status_code, "No such block" in answer.text) == (404, True)


def test_pages_load_nothing_from_elsewhere(planner: Planner) -> None:
    for path in ("/", "/?view=month", "/blocks/new/", "/settings/"):
        answer = planner.http.get(path)
        loaded = [
            node.attributes.get("src") or node.attributes["href"]
            for node in LexborHTMLParser(answer.text).css("[src], link")
        ]
        assert loaded and all(str(address).startswith("/static/") for address in loaded)
        assert all(planner.http.get(str(address)).status_code == 200 for address in loaded)
        assert answer.headers["content-security-policy"].startswith("default-src 'self'")
