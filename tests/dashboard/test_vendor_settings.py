from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from planeapp.installations.models import AuditEntry, Connection
from planeapp.providers import provider_class
from planeapp.sync.models import Due
from tests.dashboard.forms import error_of, filled, page_of
from tests.factories import ConnectionFactory
from tests.vendors import Team

PAGE = "/w/sandbox/connect/planner/settings/"
CONFIRM, TRY = f"{PAGE}confirm/", f"{PAGE}try/"


@pytest.fixture
def connection(team: Team) -> Connection:
    """A connected Planner with CUST paired."""
    found = team.connect("planner")
    team.pair(found)
    return found


@pytest.fixture
def ada(team: Team, client: Client, connection: Connection) -> Client:
    """An admin's browser."""
    client.force_login(team.members["ada"].user)
    return client


def told(answer: Any) -> str:
    """The words of a page's main part."""
    main = page_of(answer).css_first("main")
    assert main is not None
    return " ".join(main.text(separator=" ").split())


def send(browser: Client, action: str = PAGE, **typed: Any) -> Any:
    """Load the page, change what is named, press the form's button."""
    form = filled(browser.get(PAGE), action)
    return browser.post(action, {name: value for name, value in {**form, **typed}.items() if value is not None})


# The vendor's form


def test_what_is_typed_is_stored_and_the_pairs_are_looked_at_again(ada: Client, connection: Connection) -> None:
    answer = send(ada, states="started = CONFIRMED", template_confirmed="on", rest_create="on")
    assert (answer.status_code, answer.headers["location"]) == (302, PAGE)
    fresh = Connection.objects.get()
    assert (fresh.settings["states"], fresh.settings["rest_create"]) == ({"started": "CONFIRMED"}, True)
    assert fresh.settings["slots"] == connection.settings["slots"]
    assert Due.objects.get().pair.connection == fresh
    entry = AuditEntry.objects.get(action="changed_settings")
    assert "states" in entry.detail["changed"] and "CONFIRMED" not in str(entry.detail)
    assert filled(ada.get(PAGE), PAGE)["states"] == "started = CONFIRMED"


def test_the_report_follows_without_the_vendor_being_asked(ada: Client, team: Team) -> None:
    form = filled(ada.get(PAGE), PAGE) | {"rest_create": "on", "template_confirmed": "on"}
    asked = len(list(team.vendors.planner.control.requests))
    ada.post(PAGE, form)
    assert len(list(team.vendors.planner.control.requests)) == asked
    [line] = [line for line in Connection.objects.get().report["lines"] if line["name"] == "rest_create"]
    assert line["state"] == "ok"


def test_a_fault_is_told_at_its_field_and_nothing_typed_is_lost(ada: Client, connection: Connection) -> None:
    answer = send(ada, states="flying = HIGH", mcp_path="/api/other")
    assert answer.status_code == 422
    assert "is not one of our states" in error_of(answer, "states")
    kept = filled(answer, PAGE)
    assert (kept["states"], kept["mcp_path"]) == ("flying = HIGH", "/api/other")
    assert Connection.objects.get().settings == connection.settings


def test_saving_twice_saves_once(ada: Client) -> None:
    assert [send(ada, states="started = CONFIRMED").status_code for _ in range(2)] == [302, 302]
    assert (AuditEntry.objects.filter(action="changed_settings").count(), Due.objects.get().asked) == (1, 1)
    assert "Nothing was changed" in told(ada.get(PAGE))


def test_what_counts_as_revenue_is_chosen_on_planhat_s_page(ada: Client, team: Team) -> None:
    connection = ConnectionFactory(installation=team.installation, provider="planhat", settings={"region": "us4"})
    page = "/w/sandbox/connect/planhat/settings/"
    assert "enter the name" in error_of(ada.post(page, {"revenue": "custom"}), "revenue_field")
    assert ada.post(page, {"revenue": "custom", "revenue_field": "Net ARR"}).status_code == 302
    connection.refresh_from_db()
    assert (connection.settings["revenue"], connection.settings["region"]) == ("custom:Net ARR", "us4")


def test_a_vendor_without_settings_has_no_such_page(ada: Client, team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("planeapp.providers.planhat.forms.SettingsForm")
    ConnectionFactory(installation=team.installation, provider="planhat")
    for action in ("", "confirm/", "try/"):
        assert ada.post(f"/w/sandbox/connect/planhat/settings/{action}", {"allow": "x"}).status_code == 404
    assert "/connect/planhat/settings/" not in ada.get("/w/sandbox/connect/planhat/").content.decode()


def test_the_connections_page_leads_here(ada: Client) -> None:
    links = page_of(ada.get("/w/sandbox/connect/planner/")).css("main a")
    assert PAGE in [str(link.attributes.get("href")) for link in links]


# What the app may do over there


def given() -> dict[str, bool]:
    """What is allowed, by name."""
    connection = Connection.objects.get()
    offered = provider_class("planner").confirmations(connection.report, connection.settings)
    return {one.name: one.given for one in offered}


def test_every_writing_tool_is_shown_with_what_it_is_given_and_risky_ones_are_marked(ada: Client) -> None:
    page = page_of(ada.get(PAGE))
    rows = {
        str(one.css_first("input").attributes["value"]): one.text() for one in page.css(f'[action="{CONFIRM}"] .field')
    }
    assert set(rows) == set(given())
    assert "Rows may be lost" in rows["delete_block"] and "Rows may be lost" not in rows["create_block"]
    assert "title" in rows["create_block"]


def test_what_is_not_ticked_is_withheld_and_the_report_says_so(ada: Client) -> None:
    assert send(ada, CONFIRM, allow=["create_block", "update_block"]).status_code == 302
    assert given() == {"create_block": True, "update_block": True, "delete_block": False}
    connection = Connection.objects.get()
    assert connection.can("update") and not connection.can("delete")
    entry = AuditEntry.objects.get(action="confirmed_tools")
    assert entry.detail["provider"] == "planner" and "elete" not in entry.detail["allowed"]
    assert send(ada, CONFIRM, allow=list(given())).status_code == 302
    assert all(given().values()) and Connection.objects.get().can("delete")


def test_confirming_twice_confirms_once(ada: Client) -> None:
    assert [send(ada, CONFIRM, allow="create_block").status_code for _ in range(2)] == [302, 302]
    assert AuditEntry.objects.filter(action="confirmed_tools").count() == 1
    assert "Nothing was changed" in told(ada.get(PAGE))


def test_nothing_is_allowed_that_changed_after_the_page_was_loaded(ada: Client, connection: Connection) -> None:
    form = filled(ada.get(PAGE), CONFIRM)
    report = json.loads(json.dumps(connection.report))
    for tool in report["facts"]["tools"]["roles"]["delete_block"]:
        tool["tool"] = "wipe_everything"
    Connection.objects.update(report=report)
    before = Connection.objects.get().settings
    ada.post(CONFIRM, form)
    assert Connection.objects.get().settings == before
    assert "has changed since the page was loaded" in told(ada.get(PAGE))


def test_a_name_that_nobody_offered_is_not_allowed(ada: Client) -> None:
    send(ada, CONFIRM, allow=["create_block", "drop_tables"])
    assert "drop_tables" not in json.dumps(Connection.objects.get().settings)


# The test row


def test_a_test_row_is_made_once_however_often_it_is_clicked(ada: Client, team: Team) -> None:
    form = filled(ada.get(PAGE), TRY)
    assert [ada.post(TRY, form).status_code for _ in range(3)] == [302, 302, 302]
    assert len(team.vendors.planner.asked("POST", "/blocks")) == 1
    words = told(ada.get(PAGE))
    assert "Planner made the test block" in words and "was asked for already" in words
    assert Connection.objects.get().settings["template_proven"]
    assert AuditEntry.objects.get(action="asked_for_test_row").detail == {"provider": "planner", "place": form["place"]}


def test_all_places_can_be_chosen(ada: Client) -> None:
    names = [option.text() for option in page_of(ada.get(PAGE)).css("#try_place option")]
    assert names == ["Ramp operations", "Winter schedule", "Fleet maintenance"]


def test_a_vendor_that_does_not_answer_leaves_the_paired_places(ada: Client, team: Team) -> None:
    team.vendors.planner.fault(".*", status=503, times=50)
    answer = ada.get(PAGE)
    assert answer.status_code == 200
    assert [option.text() for option in page_of(answer).css("#try_place option")] == ["Ramp operations"]


def test_the_vendors_own_words_are_shown_when_it_refuses(ada: Client, team: Team) -> None:
    form = filled(ada.get(PAGE), TRY) | {"place": "prj_winter"}
    team.vendors.planner.fault(
        ".*/blocks.*", status=422, body=json.dumps({"message": "<b>startDate</b> is odd"}), times=5
    )
    answer = ada.post(TRY, form)
    assert answer.status_code == 422
    assert "startDate" in told(answer) and "<b>startDate" not in answer.content.decode()
    assert filled(answer, TRY)["place"] == "prj_winter"
    assert filled(answer, TRY)["click"] != form["click"]
    assert not Connection.objects.get().settings.get("template_proven")


@pytest.mark.parametrize("missing", ["place", "click"])
def test_a_test_row_without_a_place_is_not_made(ada: Client, team: Team, missing: str) -> None:
    assert send(ada, TRY, **{missing: None}).status_code == 302
    assert team.vendors.planner.asked("POST", "/blocks") == []
    assert "Please choose where" in told(ada.get(PAGE))


@pytest.mark.parametrize("who", ["milo", "gus"])
def test_only_admins_may_look_or_change(team: Team, connection: Connection, who: str) -> None:
    browser = Client()
    browser.force_login(team.members[who].user)
    answers = [
        browser.get(PAGE),
        *(browser.post(one, {"place": "prj_ramp", "click": "x"}) for one in (PAGE, CONFIRM, TRY)),
    ]
    assert {answer.status_code for answer in answers} == {403}
    assert Connection.objects.get().settings == connection.settings
    assert team.vendors.planner.asked("POST", "/blocks") == []
