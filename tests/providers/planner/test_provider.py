from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from planeapp.lib.errors import FixSettings, Gone, OutcomeUnknown, OutOfQuota, ReconnectNeeded, RetryLater
from planeapp.lib.http import Http
from planeapp.providers.base import Access, Item
from planeapp.providers.planner import events
from planeapp.providers.planner.provider import Planner
from planeapp.sandbox.planner.seed import READ_TOKEN, SERVICE_TOKEN
from planeapp.sandbox.planner.settings import change
from tests.providers.contract import FIELD_NAMES, DatedContract, MovedContract, ProviderContract
from tests.providers.misfortunes import HttpContract, MakeAt
from tests.providers.planner.conftest import Sandbox, Tokens

STOCKHOLM = ZoneInfo("Europe/Stockholm")
PLACE, MARK = "prj_ramp", "plane:ws/item-1"
WRITING = ("createBlock", "updateBlock", "deleteBlock", "create_", "update_", "remove_", "blocks.add", "blocks.edit")
VALUES: Mapping[str, Any] = {
    "title": "Inspect belt loader",
    "notes": "<p>Bring the long hose</p>",
    "start": date(2026, 11, 23),
    "end": date(2026, 11, 25),
    "people": ("ada@sandbox.test",),
    "key": "CUST-12",
    "url": "https://app.plane.so/ws/browse/CUST-12/",
}
PROFILES = ("classic", "days", "nested", "readonly_epoch")
CHANGING = ("classic", "days", "nested")


@pytest.fixture
def emptied(sandbox: Sandbox) -> Sandbox:
    """A sandbox without the blocks that it begins with."""
    for block in sandbox.store.all("blocks"):
        sandbox.store.delete("blocks", block["id"])
    return sandbox


class Contract(DatedContract, MovedContract, ProviderContract):
    profile = ""
    compared = FIELD_NAMES - {"key"}

    @pytest.fixture
    def provider(self, emptied: Sandbox) -> Iterator[Planner]:
        emptied.profile(self.profile)
        with emptied.planner() as planner:
            yield planner

    @pytest.fixture
    def values(self) -> Mapping[str, Any]:
        return VALUES

    @pytest.fixture
    def changes(self) -> Mapping[str, Any]:
        return {"title": "Inspect both loaders", "start": date(2026, 12, 1), "end": date(2026, 12, 2)}

    @pytest.fixture
    def move(self, emptied: Sandbox) -> Callable[[Item], str]:
        def moved(item: Item) -> str:
            block = next(row for row in emptied.store.all("blocks") if row["id"] == item.id)
            emptied.store.put("blocks", item.id, {**block, "project_id": "prj_fleet"})
            return "prj_fleet"

        return moved

    @pytest.fixture
    def lose_answer(self, emptied: Sandbox, provider: Planner) -> Callable[[], None]:
        def lose() -> None:
            provider.desk.people()  # what is asked for before a block is made
            emptied.fault(method="POST", path="/api/mcp", after=True, drop=True)

        return lose


class TestClassic(HttpContract, Contract):
    profile = "classic"
    home = PLACE

    @pytest.fixture
    def at(self, http: Http) -> MakeAt:
        return lambda url: Planner(Access(http, url, Tokens({"api": self.secret})))


class TestDays(Contract):
    profile = "days"
    longest_title = 120


class TestNested(Contract):
    profile = "nested"


@pytest.mark.parametrize("profile", PROFILES)
def test_a_created_block_is_found_by_its_mark_in_every_profile(sandbox: Sandbox, profile: str) -> None:
    sandbox.profile(profile)
    with sandbox.planner() as planner:
        made = planner.create(PLACE, VALUES, MARK)
        assert [item.id for item in planner.find(PLACE, MARK)] == [made.id]
        assert {name: made.values[name] for name in ("title", "start", "end", "people", "notes", "url")} == {
            name: VALUES[name] for name in ("title", "start", "end", "people", "notes", "url")
        }


@pytest.mark.parametrize("profile", CHANGING)
def test_a_change_of_days_keeps_everything_else(sandbox: Sandbox, profile: str) -> None:
    sandbox.profile(profile)
    with sandbox.planner() as planner:
        made = planner.create(PLACE, VALUES, MARK)
        moved = planner.update(PLACE, made, {"start": date(2027, 3, 27), "end": date(2027, 3, 29)})
        assert moved.values == {**made.values, "start": date(2027, 3, 27), "end": date(2027, 3, 29)}
        assert moved.mark == MARK and planner.get(PLACE, made.id) == moved


@pytest.mark.parametrize("profile", CHANGING)
def test_new_notes_keep_the_mark(sandbox: Sandbox, profile: str) -> None:
    sandbox.profile(profile)
    with sandbox.planner() as planner:
        made = planner.create(PLACE, VALUES, MARK)
        planner.update(PLACE, made, {"notes": "<p>Something else</p>"})
        (found,) = planner.find(PLACE, MARK)
        assert found.values["notes"] == "<p>Something else</p>"


def test_a_missing_tool_is_said_in_the_report_and_when_it_is_needed(sandbox: Sandbox) -> None:
    sandbox.profile("readonly_epoch")
    with sandbox.planner() as planner:
        made = planner.create(PLACE, VALUES, MARK)
        assert set(planner.access.report["abilities"]) == {"list", "get", "find", "create", "feed", "subscribe"}
        lines = {line["name"]: line for line in planner.access.report["lines"]}
        assert lines["can_update_block"]["state"] == "absent"
        with pytest.raises(FixSettings) as refused:
            planner.update(PLACE, made, {"title": "New"})
        assert refused.value.code == "not_offered" and "change a block" in refused.value.person


@pytest.mark.parametrize("profile", ["classic", "nested"])
def test_a_timed_block_keeps_its_hours_when_its_day_changes_over_summer_time(sandbox: Sandbox, profile: str) -> None:
    sandbox.profile(profile)
    times = {
        "starts_at": datetime(2027, 3, 26, 10, tzinfo=STOCKHOLM),
        "ends_at": datetime(2027, 3, 26, 12, tzinfo=STOCKHOLM),
    }
    with sandbox.planner() as planner:
        made = planner.create(PLACE, {**VALUES, **times}, MARK)
        assert {name: made.values[name] for name in times} == times
        moved = planner.update(PLACE, made, {"start": date(2027, 3, 29), "end": date(2027, 3, 29)})
        assert moved.values["starts_at"] == datetime(2027, 3, 29, 10, tzinfo=STOCKHOLM)
        assert moved.values["ends_at"] == datetime(2027, 3, 29, 12, tzinfo=STOCKHOLM)


def test_whole_days_of_a_project_in_another_zone_stay_the_same_days(sandbox: Sandbox) -> None:
    for profile in PROFILES:
        sandbox.profile(profile)
        with sandbox.planner(zone="Europe/Stockholm") as planner:
            (seeded,) = (item for item in planner.list("prj_fleet").items if item.values["title"].startswith("Belt"))
            row = next(row for row in sandbox.store.all("blocks") if row["id"] == seeded.id)
            if profile != "readonly_epoch":  # moments alone do not tell whose midnight they are
                assert seeded.values["start"] == date.fromisoformat(row["start"])
                assert seeded.values["end"] == date.fromisoformat(row["end"])


def test_a_state_is_written_in_planner_s_own_word_and_read_back(sandbox: Sandbox) -> None:
    with sandbox.planner() as planner:
        made = planner.create(PLACE, {**VALUES, "state": "started"}, MARK)
        assert sandbox.store.all("blocks")[-1]["status"] == "confirmed"
        assert planner.update(PLACE, made, {"state": "completed"}).values["state"] == "completed"


def test_people_can_be_taken_off(sandbox: Sandbox) -> None:
    with sandbox.planner() as planner:
        made = planner.create(PLACE, VALUES, MARK)
        assert planner.update(PLACE, made, {"people": ()}).values["people"] == ()


def test_a_work_item_without_dates_is_held_back(sandbox: Sandbox) -> None:
    planner = Planner(sandbox.access())
    assert planner.held_back({"title": "x", "start": None, "end": None}) == "no_dates"
    assert planner.held_back({"title": "x", "start": None, "end": date(2026, 1, 1)}) == ""


def test_one_date_is_taken_for_both(sandbox: Sandbox) -> None:
    with sandbox.planner() as planner:
        made = planner.create(PLACE, {**VALUES, "start": None}, MARK)
        assert (made.values["start"], made.values["end"]) == (date(2026, 11, 25), date(2026, 11, 25))


def test_one_session_serves_a_whole_task(sandbox: Sandbox) -> None:
    with sandbox.planner() as planner:
        sandbox.forget()
        made = planner.create(PLACE, VALUES, MARK)
        planner.find(PLACE, MARK)
        planner.delete(PLACE, made)
    methods = [json.loads(entry["body"])["method"] for entry in sandbox.requests() if entry["method"] == "POST"]
    assert methods.count("initialize") == 1 and methods.count("tools/list") == 1


def test_a_lost_answer_to_a_create_is_an_unknown_outcome_and_the_mark_finds_the_block(sandbox: Sandbox) -> None:
    with sandbox.planner() as planner:
        planner.desk.people()
        sandbox.fault(method="POST", path="/api/mcp", after=True, drop=True)
        with pytest.raises(OutcomeUnknown):
            planner.create(PLACE, VALUES, MARK)
        assert len(planner.find(PLACE, MARK)) == 1


def test_a_server_error_after_a_create_is_an_unknown_outcome(sandbox: Sandbox) -> None:
    with sandbox.planner() as planner:
        planner.desk.people()
        sandbox.fault(method="POST", path="/api/mcp", after=True, status=503)
        with pytest.raises(OutcomeUnknown):
            planner.create(PLACE, VALUES, MARK)
        assert len(planner.find(PLACE, MARK)) == 1


def test_a_server_error_while_reading_is_tried_later(sandbox: Sandbox) -> None:
    with sandbox.planner() as planner:
        planner.desk.session.tools()
        sandbox.fault(method="POST", path="/api/mcp", status=503)
        with pytest.raises(RetryLater):
            planner.list(PLACE)


def test_a_lost_session_is_opened_again_once(sandbox: Sandbox) -> None:
    with sandbox.planner() as planner:
        planner.desk.session.tools()
        sandbox.fault(method="POST", path="/api/mcp", status=404)
        assert planner.create(PLACE, VALUES, MARK).mark == MARK
        assert len(planner.find(PLACE, MARK)) == 1


def test_an_address_that_is_gone_is_never_taken_for_a_block_that_is_gone(sandbox: Sandbox) -> None:
    with sandbox.planner() as planner:
        made = planner.create(PLACE, VALUES, MARK)
        sandbox.fault(method="POST", path="/api/mcp", status=404, times=9)
        for work in (
            lambda: planner.get(PLACE, made.id),
            lambda: planner.delete(PLACE, made),
            lambda: planner.list(PLACE),
        ):
            with pytest.raises((RetryLater, FixSettings)):
                work()


def test_a_used_up_limit_pauses_for_as_long_as_planner_says(sandbox: Sandbox) -> None:
    with sandbox.planner() as planner:
        planner.desk.session.tools()
        change(sandbox.store, "limits", per_minute=0)
        with pytest.raises(OutOfQuota) as full:
            planner.list(PLACE)
        assert full.value.delay is not None and 0 < full.value.delay <= 61


def test_a_refused_token_is_renewed_once_in_the_middle_of_a_session(sandbox: Sandbox) -> None:
    good = sandbox.world.planner_token
    tokens = Tokens({"api": good})
    with sandbox.planner(tokens=tokens) as planner:
        planner.desk.session.tools()
        other = "plr_pat_pat_other.secret"
        sandbox.store.put("tokens", other, {**(sandbox.store.get("tokens", good) or {}), "token": other})
        sandbox.store.delete("tokens", good)
        tokens.newer["api"] = other
        assert planner.create(PLACE, VALUES, MARK).mark == MARK
        assert tokens.refused == [good]


def test_a_token_that_stays_refused_needs_a_person(sandbox: Sandbox) -> None:
    tokens = Tokens({"api": "plr_pat_pat_wrong.secret"}, {"api": "plr_pat_pat_wrong2.secret"})
    with pytest.raises(ReconnectNeeded):
        Planner(sandbox.access(tokens)).probe()
    assert "wrong" in tokens.refused[0]


def test_a_read_only_token_is_told_the_scope_it_lacks(sandbox: Sandbox) -> None:
    with sandbox.planner(tokens=Tokens({"api": READ_TOKEN})) as planner:
        with pytest.raises(FixSettings) as refused:
            planner.create(PLACE, VALUES, MARK)
        assert "blocks:write" in refused.value.person


def test_an_html_403_is_no_verdict_on_the_token(sandbox: Sandbox) -> None:
    with sandbox.planner() as planner:
        sandbox.fault(method="POST", path="/api/mcp", status=403, body="<html>Blocked</html>", times=9)
        with pytest.raises(RetryLater):
            planner.list(PLACE)


def test_a_probe_writes_nothing(sandbox: Sandbox) -> None:
    before = sandbox.store.all("blocks")
    for profile in PROFILES:
        sandbox.profile(profile)
        Planner(sandbox.access()).probe()
    calls = [json.loads(entry["body"]) for entry in sandbox.requests() if entry["method"] == "POST"]
    names = [call["params"]["name"] for call in calls if call["method"] == "tools/call"]
    assert names and not any(name.startswith(WRITING) for name in names)
    assert {entry["method"] for entry in sandbox.requests() if "/mcp" not in entry["path"]} == {"GET"}
    assert sandbox.store.all("blocks") == before


def test_a_service_account_without_mcp_is_left_with_rest(sandbox: Sandbox) -> None:
    with sandbox.planner(tokens=Tokens({"api": SERVICE_TOKEN})) as planner:
        assert planner.access.report["facts"]["mode"] == "rest"
        assert planner.access.report["abilities"] == ["feed", "find", "get", "subscribe"]
        with pytest.raises(FixSettings) as refused:
            planner.create(PLACE, VALUES, MARK)
        assert "by REST" in refused.value.person


def test_rest_creates_a_block_once_an_admin_allows_it_and_the_feed_finds_it(sandbox: Sandbox) -> None:
    tokens = Tokens({"api": SERVICE_TOKEN})
    with sandbox.planner(tokens=tokens, settings={"rest_create": True}) as planner:
        assert "create" in planner.access.report["abilities"]
        made = planner.create(PLACE, VALUES, MARK)
        assert (made.values["start"], made.values["end"]) == (VALUES["start"], VALUES["end"])
        assert [item.id for item in planner.find(PLACE, MARK)] == [made.id]
        assert PLACE in {place.id for place in planner.places()}


def test_a_lost_answer_to_a_rest_create_is_found_again_in_the_feed(sandbox: Sandbox) -> None:
    tokens = Tokens({"api": SERVICE_TOKEN})
    with sandbox.planner(tokens=tokens, settings={"rest_create": True}) as planner:
        sandbox.fault(method="POST", path="/actions/blocks", after=True, drop=True)
        with pytest.raises(OutcomeUnknown):
            planner.create(PLACE, VALUES, MARK)
        assert len(planner.find(PLACE, MARK)) == 1


def test_a_connection_by_oauth_alone_works_through_mcp(sandbox: Sandbox) -> None:
    tokens = Tokens({"oauth": sandbox.world.planner_token})
    with sandbox.planner(tokens=tokens, settings={"slots": ["oauth"]}) as planner:
        lines = {line["name"]: line["state"] for line in planner.access.report["lines"]}
        assert lines["events"] == "absent" and planner.access.report["facts"]["mode"] == "mcp"
        assert planner.create(PLACE, VALUES, MARK).mark == MARK


def test_a_slot_that_is_not_there_is_said_in_plain_words(sandbox: Sandbox) -> None:
    planner = Planner(sandbox.access(Tokens({"oauth": "x"}), settings={"slots": ["oauth"]}))
    with pytest.raises(FixSettings) as refused:
        planner.client.events()
    assert "API token" in refused.value.person


def test_tools_that_changed_since_the_probe_pause_the_writing(sandbox: Sandbox) -> None:
    with sandbox.planner() as planner:
        sandbox.profile("days")
        with pytest.raises(FixSettings) as paused:
            planner.create(PLACE, VALUES, MARK)
        assert paused.value.code == "tools_changed"


def test_a_connection_that_was_never_probed_finds_its_tools_on_its_own(sandbox: Sandbox) -> None:
    with Planner(sandbox.access()) as planner:
        assert planner.create(PLACE, VALUES, MARK).mark == MARK


def test_a_failing_mcp_keeps_what_an_earlier_probe_found(sandbox: Sandbox) -> None:
    with sandbox.planner() as planner:
        sandbox.fault(method="POST", path="/api/mcp", status=502, times=5)
        again = planner.probe()
    assert "create" in again.abilities
    assert {line.name: line.state for line in again.lines}["mcp"] == "failed"


def test_a_planner_that_does_not_answer_is_tried_later(sandbox: Sandbox) -> None:
    access = sandbox.access()
    with pytest.raises(RetryLater):
        Planner(Access(access.http, "http://127.0.0.1:9", access.token)).probe()


def test_an_update_of_a_block_that_is_gone_says_so(sandbox: Sandbox) -> None:
    with sandbox.planner() as planner:
        made = planner.create(PLACE, VALUES, MARK)
        planner.delete(PLACE, made)
        with pytest.raises(Gone):
            planner.update(PLACE, made, {"title": "New"})


def test_each_entry_of_the_feed_is_read_as_an_event(sandbox: Sandbox) -> None:
    with sandbox.planner() as planner:
        made = planner.create(PLACE, VALUES, MARK)
        found = [event for body in planner.feed() for event in events.read(body)]
    assert len(found) == 6
    assert (found[0].kind, found[0].subject, found[0].project) == ("remote.changed", made.id, PLACE)


def test_subscribing_again_replaces_our_own_subscription_alone(sandbox: Sandbox) -> None:
    planner = Planner(sandbox.access())
    planner.subscribe("http://127.0.0.1:9/somebody-else")
    first, second = (planner.subscribe("http://127.0.0.1:9/ours") for _ in range(2))
    kept = {row["url"]: row["secret"] for row in sandbox.store.all("subscriptions")}
    assert first != second and kept["http://127.0.0.1:9/ours"] == second and len(kept) == 2


def test_dropping_a_provider_ends_its_session(sandbox: Sandbox) -> None:
    planner = Planner(sandbox.access())
    planner.desk.session.tools()
    del planner
    assert [entry["method"] for entry in sandbox.requests()].count("DELETE") == 1
