"""One folder and one line: with nothing but an entry in ``PROVIDERS``, the product knows the calendar.

The pages, the commands and the engine run as they are, between the sandbox Plane and the calendar server, over HTTP.
"""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from planeapp.inbox import feeds
from planeapp.inbox.models import Delivery
from planeapp.installations.models import Connection, Credential
from planeapp.installations.uninstall import offboard
from planeapp.providers import PROVIDERS
from planeapp.sync import engine
from planeapp.sync.models import Due, ItemLink, ProjectPair, SyncRun
from tests.dashboard.forms import page_of
from tests.inbox.sending import DOOR
from tests.operators.running import refused, run
from tests.providers.icalendar.lines import unescape
from tests.providers.icalendar.served import TOKEN, Server, Shelf
from tests.vendors import Talk, Team, talk, team, vendors

__all__ = ["talk", "team", "vendors"]

ROOT = Path(__file__).resolve().parents[3]
HERE = "/w/sandbox/connect/icalendar/"
PAIRS = "/w/sandbox/pairs/icalendar/"


@pytest.fixture(autouse=True)
def one_line(monkeypatch: pytest.MonkeyPatch, shelf: Shelf) -> None:
    """The line that a third vendor costs outside of its folder; its server is empty."""
    monkeypatch.setitem(PROVIDERS, "icalendar", "tests.providers.icalendar.provider.Calendar")


@pytest.fixture
def ada(team: Team, client: Client) -> Client:
    """An admin's browser."""
    client.force_login(team.members["ada"].user)
    return client


def connect(ada: Client, server: Server, **more: str) -> Any:
    """Fill in the connect form."""
    return ada.post(HERE, {"address": server.url, "token": TOKEN, **more})


@pytest.fixture
def pair(ada: Client, team: Team, calendar_server: Server) -> ProjectPair:
    """CUST paired with the team's calendar, by the pages."""
    connect(ada, calendar_server)
    ada.post(PAIRS, {"project": team.project()["id"], "place": "team", "zone": "Europe/Stockholm"})
    return ProjectPair.objects.get()


def dated(team: Team) -> int:
    """How many of CUST's items have a date."""
    rows = team.vendors.rows.live("work_item", project=team.project()["id"])
    return sum(bool(row["start_date"] or row["target_date"]) for row in rows)


def give_dates(team: Team, start: str = "2026-11-23", end: str = "2026-11-25") -> str:
    """CUST-1 gets dates in Plane; gives its id."""
    row = team.item()
    team.vendors.rows.store.put("work_item", row["id"], {**row, "start_date": start, "target_date": end})
    return str(row["id"])


def test_the_product_names_it_nowhere() -> None:
    named = re.compile(r"icalendar|shared days|\bics\b|vevent", re.IGNORECASE)
    looked_at = [path for kind in ("*.py", "*.html", "*.js") for path in (ROOT / "planeapp").rglob(kind)]
    looked_at += [*(ROOT / "templates").rglob("*.html"), *(ROOT / "static").rglob("*.js")]
    assert len(looked_at) > 100
    assert [path for path in looked_at if named.search(path.read_text())] == []


def test_its_form_is_drawn_and_a_good_token_leads_to_its_calendars(
    ada: Client, team: Team, calendar_server: Server
) -> None:
    page = ada.get(HERE).content.decode()
    assert "Connect Shared days" in page and 'name="address"' in page and 'name="token"' in page
    answer = connect(ada, calendar_server)
    assert (answer.status_code, answer.headers["location"]) == (302, PAIRS)
    connection = Connection.objects.get()
    assert (connection.provider, connection.base_url, connection.status) == ("icalendar", calendar_server.url, "active")
    assert Credential.objects.get(connection=connection).access == TOKEN
    page = ada.get(HERE).content.decode()
    assert "Connected as ada@sandbox.test." in page and "2 found" in page and TOKEN not in page


def test_what_its_server_refuses_is_told_and_not_stored(ada: Client, calendar_server: Server) -> None:
    answer = connect(ada, calendar_server, token="cal_wrong")
    assert answer.status_code == 422
    assert "Shared days does not accept this token." in answer.content.decode()
    assert "such as https://calendar.example" in connect(ada, calendar_server, address="here").content.decode()
    assert not Connection.objects.exists()


def test_the_other_pages_call_it_by_its_name(ada: Client, team: Team, pair: ProjectPair) -> None:
    assert "Looked again" in ada.post(f"{HERE}probe/", follow=True).content.decode()
    item = give_dates(team)
    engine.run_pair(pair)
    for page in ("", "activity/", f"items/{item}/", "deliveries/?source=icalendar", "uninstall/"):
        answer = ada.get(f"/w/sandbox/{page}")
        text = answer.content.decode().partition("<main")[2].partition("</main>")[0]
        assert (answer.status_code, "Shared days" in text, "Icalendar" in text) == (200, True, False), page


def test_its_calendars_can_be_paired(ada: Client, team: Team, calendar_server: Server) -> None:
    connect(ada, calendar_server)
    page = page_of(ada.get(PAIRS))
    place, label = page.css_first("select[name=place]"), page.css_first("label[for=id_place]")
    assert place and label
    assert (label.text(strip=True), place.text().split()) == ("Shared days calendar", ["Team", "Leave"])
    ada.post(PAIRS, {"project": team.project()["id"], "place": "leave", "zone": "Europe/Stockholm"})
    pair = ProjectPair.objects.get()
    assert (pair.place_id, pair.place_name) == ("leave", "Leave")
    assert Due.objects.get().pair == pair


def test_dated_work_items_become_events(team: Team, pair: ProjectPair, shelf: Shelf) -> None:
    give_dates(team)
    ran = engine.run_pair(pair)
    assert (ran.state, len(shelf.texts())) == (SyncRun.State.DONE, dated(team))
    (text,) = [text for text in shelf.texts() if team.item()["id"] in text.replace("\r\n ", "")]
    assert "DTSTART;VALUE=DATE:20261123\r\nDTEND;VALUE=DATE:20261126\r\n" in text
    assert team.item()["name"] in unescape(text.replace("\r\n ", ""))
    asked = len(shelf.asked)
    assert engine.run_pair(pair).counts.get("create vendor", 0) == 0
    assert {method for method, _ in shelf.asked[asked:]} == {"GET"}


def test_a_moved_event_moves_its_work_item_and_the_other_way_round(team: Team, pair: ProjectPair, shelf: Shelf) -> None:
    give_dates(team)
    engine.run_pair(pair)
    shelf.rewrite("20261123\r\nDTEND;VALUE=DATE:20261126", "20261201\r\nDTEND;VALUE=DATE:20261203")
    engine.run_pair(pair)
    assert (team.item()["start_date"], team.item()["target_date"]) == ("2026-12-01", "2026-12-02")
    give_dates(team, "2026-12-07", "2026-12-07")
    engine.run_item(pair, team.item()["id"])
    assert sum("DTSTART;VALUE=DATE:20261207\r\nDTEND;VALUE=DATE:20261208" in text for text in shelf.texts()) == 1


def test_an_event_that_is_removed_is_unlinked_and_the_work_item_stays(
    team: Team, pair: ProjectPair, shelf: Shelf
) -> None:
    item = give_dates(team)
    engine.run_pair(pair)
    link = ItemLink.objects.get(item_id=item)
    del shelf.calendars["team"][link.remote_id]
    engine.run_item(pair, item)
    link.refresh_from_db()
    assert link.state == ItemLink.State.UNLINKED and team.item()["id"] == item


def test_a_lost_answer_leaves_one_event(team: Team, pair: ProjectPair, shelf: Shelf) -> None:
    item = give_dates(team)
    shelf.lost = 1
    with pytest.raises(Exception, match="answer lost"):
        engine.run_item(pair, item)
    engine.run_item(pair, item)
    assert len(shelf.texts()) == 1 and ItemLink.objects.get(item_id=item).state == ItemLink.State.LINKED


def test_it_is_connected_by_the_command_line(team: Team, calendar_server: Server) -> None:
    ran = run("connect", "sandbox", "icalendar", "--set", f"address={calendar_server.url}", stdin=TOKEN)
    assert (ran.code, ran.out) == (0, "ok      Calendars: 2 found\n")
    assert Connection.objects.get().base_url == calendar_server.url
    assert "write NAME=VALUE" in refused(run("connect", "sandbox", "icalendar", "--set", "x", stdin=TOKEN))
    assert "address: This field is required." in refused(run("connect", "sandbox", "icalendar", stdin=TOKEN))


def test_the_commands_know_it(team: Team, pair: ProjectPair, shelf: Shelf) -> None:
    shown = run("sync", "sandbox", "icalendar", "--dry-run", "--json").json["pairs"][0]
    assert (shown["provider"], shelf.texts()) == ("icalendar", [])
    ran = run("sync", "sandbox", "icalendar")
    assert (ran.code, ran.out.strip()) == (0, f"CUST ↔ Team: {dated(team)} create vendor")
    assert len(shelf.texts()) == dated(team)
    shelf.calendars.clear()
    assert refused(run("sync", "sandbox", "icalendar"))


def test_its_door_is_shut_and_nothing_is_polled(pair: ProjectPair, shelf: Shelf) -> None:
    address = f"/webhooks/icalendar/{pair.connection.opaque_id}/"
    answer = DOOR.post(address, b'{"event": "x"}', headers={"x-signature": "x"})
    assert answer.status_code in (401, 404)
    asked = list(shelf.asked)
    assert (feeds.read_all(), shelf.asked, Delivery.objects.exists()) == (0, asked, False)


def test_the_bot_schedules_there(talk: Talk, pair: ProjectPair, shelf: Shelf) -> None:
    engine.run_pair(pair)
    answer = talk.ask("schedule 2026-12-14 to 2026-12-15")
    assert "Shared days" in answer
    assert sum("DTSTART;VALUE=DATE:20261214\r\nDTEND;VALUE=DATE:20261216" in text for text in shelf.texts()) == 1
    assert talk.team.item()["start_date"] == date(2026, 12, 14).isoformat()
    assert "Shared days" in talk.ask("status")


def test_the_workspace_s_end_takes_it_along(team: Team, pair: ProjectPair, shelf: Shelf) -> None:
    receipt = offboard(team.installation, by="ada")
    assert receipt["rows"]["installations.Connection"] == 1 and TOKEN not in json.dumps(receipt)
    assert not Connection.objects.exists()
