from __future__ import annotations

import json
from typing import Any

import pytest
from django.apps import apps
from django.test import Client

from planeapp.installations.models import AuditEntry, Credential
from planeapp.sync import engine
from planeapp.sync.models import Due, ProjectPair
from tests.dashboard.forms import Filled, error_of, filled, page_of
from tests.factories import ConnectionFactory, ProjectPairFactory
from tests.vendors import Team

COUNTED = {"CallWindow", "CallCount", "Session"}


@pytest.fixture
def pair(team: Team) -> ProjectPair:
    """CUST paired with Ramp operations."""
    return team.pair(team.connect("planner"))


@pytest.fixture
def ada(team: Team, client: Client) -> Client:
    """An admin's browser."""
    client.force_login(team.members["ada"].user)
    return client


@pytest.fixture
def milo(team: Team) -> Client:
    """A member's browser."""
    found = Client()
    found.force_login(team.members["milo"].user)
    return found


def address(pair: ProjectPair) -> str:
    return f"/w/sandbox/pairs/planner/{pair.pk}/"


def send(browser: Client, pair: ProjectPair, do: str = "save", **typed: Any) -> Any:
    """Load the page, change what is named, press a button."""
    form = filled(browser.get(address(pair)), address(pair))
    data = {name: value for name, value in {**form, **typed, "do": do}.items() if value is not None}
    return browser.post(address(pair), data)


def told(answer: Any) -> str:
    """The words of a page's main part."""
    main = page_of(answer).css_first("main")
    assert main is not None
    return " ".join(main.text(separator=" ").split())


FULL: Filled = {
    "direction_state": "out", "winner_start": "ask", "direction_title": "both", "winner_title": "newest",
    "states": ["unstarted", "started"], "priorities": ["urgent"], "labels": "ramp, belt\nice", "assigned": "on",
    "assignees": "Ada@Sandbox.example", "dated_from": "2026-01-01", "dated_until": "2026-12-31", "mode": "times",
    "opens": "08:30", "closes": "16:00", "weekdays": ["0", "1"], "minutes": "90", "estimates": "3 = 120\n5 = 240",
    "zone": "Asia/Kolkata", "deletes": "delete", "show_link": None, "people": "ada@plane.example = ada@planner.example",
}  # fmt: skip


def test_everything_that_is_typed_is_stored_and_shown_again(ada: Client, pair: ProjectPair) -> None:
    assert send(ada, pair, **FULL).status_code == 302
    pair.refresh_from_db()
    assert pair.rules["title"] == {"direction": "both", "winner": "newest"}
    assert pair.rules["start"] == {"direction": "both", "winner": "ask"}
    assert pair.rules["state"]["direction"] == "out"
    assert pair.zone == "Asia/Kolkata"
    assert pair.options == {
        "filters": {
            "states": ["unstarted", "started"], "priorities": ["urgent"], "labels": ["ramp", "belt", "ice"],
            "people": ["ada@sandbox.example"], "assigned": True, "dated_from": "2026-01-01", "dated_until": "2026-12-31",
        },
        "timing": {
            "mode": "times", "opens": "08:30:00", "closes": "16:00:00", "weekdays": [0, 1], "minutes": 90,
            "estimates": {"3": 120, "5": 240},
        },
        "deletes": "delete", "show_link": False, "people": {"ada@plane.example": "ada@planner.example"},
    }  # fmt: skip
    again = filled(ada.get(address(pair)), address(pair))
    wanted = FULL | {"labels": "ramp\nbelt\nice", "assignees": "ada@sandbox.example"}
    assert {name: again.get(name) for name in FULL} == wanted | {"priorities": "urgent"}


def test_saving_asks_for_a_look_and_is_audited_by_names_alone(ada: Client, pair: ProjectPair) -> None:
    answer = send(ada, pair, labels="secret-project", direction_notes="off")
    assert answer.headers["location"] == address(pair)
    assert (Due.objects.get().pair, Due.objects.get().item_id) == (pair, "")
    entry = AuditEntry.objects.get(action="changed_rules")
    assert entry.detail == {"provider": "planner", "project": "CUST", "changed": "Notes, filters"}
    assert "Saved. Customer work is looked at by these rules now." in told(ada.get(address(pair)))


def test_saving_twice_saves_once(ada: Client, pair: ProjectPair) -> None:
    assert [send(ada, pair, labels="ramp").status_code for _ in range(2)] == [302, 302]
    assert (Due.objects.get().asked, AuditEntry.objects.filter(action="changed_rules").count()) == (1, 1)
    assert "Nothing was changed" in told(ada.get(address(pair)))


def test_an_untouched_form_changes_nothing(ada: Client, pair: ProjectPair) -> None:
    assert send(ada, pair).status_code == 302
    pair.refresh_from_db()
    assert (pair.rules, pair.options, Due.objects.count()) == ({}, {}, 0)


def test_a_rule_for_a_field_that_is_not_known_now_stays(ada: Client, pair: ProjectPair) -> None:
    ProjectPair.objects.update(rules={"colour": {"direction": "in", "winner": "plane"}})
    send(ada, pair, direction_notes="off")
    pair.refresh_from_db()
    assert pair.rules["colour"] == {"direction": "in", "winner": "plane"}


def test_a_label_with_a_comma_in_it_stays_whole(ada: Client, pair: ProjectPair) -> None:
    ProjectPair.objects.update(options={"filters": {"labels": ["ramp, north", "ice"]}})
    send(ada, pair, labels="ramp, north\nice\nbelt, snow")
    pair.refresh_from_db()
    assert pair.options["filters"]["labels"] == ["ramp, north", "ice", "belt", "snow"]


def test_a_field_that_cannot_work_is_saved_and_named(ada: Client, pair: ProjectPair) -> None:
    report = json.loads(json.dumps(pair.connection.report))
    for role in ("update_block", "create_block"):
        report["facts"]["tools"]["roles"].pop(role, None)
    type(pair.connection).objects.update(report=report)
    assert send(ada, pair, direction_state="out").status_code == 302
    pair.refresh_from_db()
    assert pair.rules["state"]["direction"] == "out"
    assert "State is not kept in step like this:" in told(ada.get(address(pair)))


@pytest.mark.parametrize(("name", "typed", "words"), [
    ("dated_from", "yesterday", "Please give a day of the calendar"),
    ("dated_until", "2025-01-01", "The last day lies before the first."),
    ("opens", "9 o'clock", "Please give a time"),
    ("closes", "07:00", "Work has to end later than it begins."),
    ("minutes", "1", "at least 5 minutes"),
    ("minutes", "soon", "whole number of minutes"),
    ("minutes", "", "number of minutes"),
    ("weekdays", [], "Choose at least one day."),
    ("estimates", "3: 120", "“3: 120” is not understood."),
    ("estimates", "3 = 120\n5 = long", "look at “5”"),
    ("estimates", "3 = 1", "from 5 to 86400"),
    ("estimates", "3 = 60\n3 = 90", "“3” is there twice."),
    ("people", "ada = bob", "two e-mail addresses for each person"),
    ("people", "a@x.example = c@y.example\nb@x.example = c@y.example", "one address over there"),
    ("zone", "Mars/Olympus", "Select a valid choice"),
    ("direction_title", "sideways", "Select a valid choice"),
    ("deletes", "everything", "Select a valid choice"),
])  # fmt: skip
@pytest.mark.parametrize("do", ["save", "check"])
def test_a_fault_is_told_at_its_field_and_nothing_typed_is_lost(
    ada: Client, pair: ProjectPair, name: str, typed: Any, words: str, do: str
) -> None:
    asked = len(list(pair.runs.all()))
    answer = send(ada, pair, do, **FULL | {name: typed})
    assert answer.status_code == 422
    assert words in error_of(answer, name)
    assert "input should" not in told(answer).lower()
    kept = filled(answer, address(pair))
    text = {"labels", "assignees", "estimates", "people", "minutes", "dated_from", "dated_until", "opens", "closes"}
    assert {one: kept.get(one, "") for one in text} == {one: (FULL | {name: typed})[one] for one in text}
    pair.refresh_from_db()
    assert (pair.rules, pair.options, Due.objects.count(), asked) == ({}, {}, 0, 0)


def rows() -> dict[str, list[Any]]:
    """Everything that we keep, but for the counts of calls and what a token's use leaves behind."""
    models = [one for one in apps.get_models() if one.__name__ not in COUNTED and one is not Credential]
    return {one.__name__: list(one.objects.order_by("pk").values()) for one in models}


def held_over_there(team: Team) -> str:
    """Both vendors' rows of work."""
    rows = team.vendors.rows
    mine = [rows.live(kind) for kind in ("work_item", "comment", "link")]
    return json.dumps([mine, team.vendors.planner.store.all("blocks")], default=str, sort_keys=True)


def test_a_check_shows_what_would_happen_and_writes_nothing(ada: Client, team: Team, pair: ProjectPair) -> None:
    ada.get(address(pair))  # the page itself may have something to settle, such as a role to confirm
    before, over_there = rows(), held_over_there(team)
    answer = send(ada, pair, "check")
    words = told(answer)
    assert (answer.status_code, rows(), held_over_there(team)) == (200, before, over_there)
    plan = engine.preview(pair)
    made = [change for change in plan.changes if change.kind == "create"]
    assert f"{len(made)} new in Planner" in words and made
    assert f"{len(made)} to be written in Planner" in " ".join(f"{one} {two}" for one, two in figures(answer))
    assert "It has neither a start nor a target date." in words
    assert "CUST-" in words and "New in Planner: Title “" in words
    assert words.count("Works") == 5  # every field but State, which is off
    assert len(answer.context["check"].examples) == min(len({one.item_id for one in made}), 10)


def figures(answer: Any) -> list[tuple[int, str]]:
    """The three figures of a check."""
    found: list[tuple[int, str]] = list(answer.context["check"].figures)
    return found


def test_a_check_knows_the_typed_filters_and_keeps_them_in_the_form(ada: Client, pair: ProjectPair) -> None:
    answer = send(ada, pair, "check", labels="no-such-label")
    assert figures(answer)[0][0] == 0
    assert "none of the labels no-such-label" in told(answer)
    assert filled(answer, address(pair))["labels"] == "no-such-label"
    assert ProjectPair.objects.get().options == {}


def test_a_check_places_rows_in_the_typed_time_zone(ada: Client, pair: ProjectPair) -> None:
    answer = send(ada, pair, "check", mode="times", opens="07:15", zone="Asia/Tokyo")
    assert "Begins" in told(answer) and "07:15" in told(answer)


def test_a_check_shows_changes_on_both_sides_of_linked_items(ada: Client, team: Team, pair: ProjectPair) -> None:
    engine.run_pair(pair)
    row = team.item(1)
    team.vendors.rows.store.put("work_item", row["id"], row | {"name": "Renamed in Plane"})
    answer = send(ada, pair, "check")
    assert "In Planner: Title from “" in told(answer) and "to “Renamed in Plane”" in told(answer)


def test_a_field_that_cannot_work_is_red_with_the_reason(ada: Client, pair: ProjectPair) -> None:
    report = json.loads(json.dumps(pair.connection.report))
    for role in ("update_block", "create_block"):
        report["facts"]["tools"]["roles"].pop(role, None)
    type(pair.connection).objects.update(report=report)
    answer = send(ada, pair, "check")
    assert "Does not work" in told(answer)
    assert answer.context["check"].fields["title"].reason in told(answer)


@pytest.mark.parametrize("vendor", ["plane", "planner"])
@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
def test_a_vendor_that_fails_leaves_a_note_and_what_was_typed(
    ada: Client, team: Team, pair: ProjectPair, vendor: str, status: int
) -> None:
    form = filled(ada.get(address(pair)), address(pair)) | {"labels": "ramp", "do": "check"}
    paths = {"plane": ".*/work-items/.*", "planner": ".*"}
    getattr(team.vendors, vendor).fault(paths[vendor], status=status, times=50)
    answer = ada.post(address(pair), form)
    assert answer.status_code == 200
    assert "The rules could not be checked." in told(answer)
    assert filled(answer, address(pair))["labels"] == "ramp"


def test_a_check_may_be_clicked_twice(ada: Client, pair: ProjectPair) -> None:
    answers = [send(ada, pair, "check") for _ in range(2)]
    assert figures(answers[0]) == figures(answers[1])
    assert (Due.objects.count(), AuditEntry.objects.filter(action="changed_rules").count()) == (0, 0)


def test_a_member_sees_the_rules_and_can_change_nothing(milo: Client, pair: ProjectPair) -> None:
    ProjectPair.objects.update(options={"filters": {"labels": ["ramp"]}})
    page = page_of(milo.get(address(pair)))
    assert "Please ask one of them" in told(milo.get(address(pair)))
    assert page.css_first("#id_labels").text().strip() == "ramp"
    assert all(
        "disabled" in node.attributes for node in page.css("main select, main textarea, main input:not([type=hidden])")
    )
    assert not page.css("main button")
    for do in ("save", "check"):
        assert milo.post(address(pair), {"labels": "x", "do": do}).status_code == 403
    assert ProjectPair.objects.get().options == {"filters": {"labels": ["ramp"]}}


def test_another_workspaces_rules_cannot_be_seen(ada: Client, pair: ProjectPair) -> None:
    foreign = ProjectPairFactory()
    assert ada.get(address(foreign)).status_code == 404
    assert ada.get(f"/w/sandbox/pairs/planhat/{pair.pk}/").status_code == 404


def test_the_pairs_page_leads_to_the_rules(ada: Client, pair: ProjectPair) -> None:
    page = page_of(ada.get("/w/sandbox/pairs/planner/"))
    assert address(pair) in [str(link.attributes.get("href")) for link in page.css("main a")]


def test_every_choice_has_a_label_or_a_legend(ada: Client, pair: ProjectPair) -> None:
    page = page_of(ada.get(address(pair)))
    labels = {str(one.attributes["for"]) for one in page.css("main label[for]")}
    named = {str(one.attributes["id"]) for one in page.css("main select, main textarea, main input:not([type=hidden])")}
    assert named <= labels
    assert all(one.css_first("legend") is not None for one in page.css("main fieldset"))


def test_the_rules_of_a_vendor_with_one_place_can_be_set_too(ada: Client, team: Team) -> None:
    connection = ConnectionFactory(installation=team.installation, provider="planhat")
    only = ProjectPairFactory(connection=connection)
    answer = ada.get(f"/w/sandbox/pairs/planhat/{only.pk}/")
    ways = [str(one.attributes["value"]) for one in page_of(answer).css("#id_direction_title option")]
    assert (answer.status_code, ways) == (200, ["off", "out"])
