"""Work item ↔ issue, company → party, call → body: tables and properties."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planeapp.providers.base import Party
from planeapp.providers.planhat import mapping
from planeapp.providers.planhat.mapping import issue_body, issue_item, issue_values, new_issue, title_in, title_out

LINE = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"]), max_size=60).map(str.strip)
KEYS = st.from_regex(r"[A-Z][A-Z0-9]{0,11}-[1-9][0-9]{0,5}", fullmatch=True)
ITEMS = st.fixed_dictionaries(
    {
        "title": LINE.filter(bool),
        "key": KEYS,
        "state": st.sampled_from(sorted(mapping.STATUSES)),
        "priority": st.sampled_from(sorted(mapping.PRIORITIES)),
        "parties": st.sets(st.from_regex(r"[0-9a-f]{24}", fullmatch=True), max_size=4).map(
            lambda ids: tuple(sorted(ids))
        ),
        "contacts": st.sets(st.from_regex(r"[0-9a-f]{24}", fullmatch=True), max_size=3).map(
            lambda ids: tuple(sorted(ids))
        ),
        "url": st.just("https://app.plane.so/acme/browse/CUST-12/"),
    }
)


@given(ITEMS)
def test_what_is_written_is_read_back_the_same(values: dict[str, Any]) -> None:
    assert issue_values(new_issue(values, "plane:w:1")) == values


@given(ITEMS, st.sets(st.sampled_from(["title", "state", "priority", "parties", "contacts", "url"])))
def test_only_named_values_are_written(values: dict[str, Any], names: set[str]) -> None:
    fields = {"title": "title", "state": "status", "priority": "priority", "url": "sourceUrl"}
    fields |= {"parties": "companyIds", "contacts": "enduserIds"}
    assert set(issue_body({name: values[name] for name in names})) == {fields[name] for name in names}


@given(LINE, KEYS)
def test_a_title_never_grows_by_being_written_and_read_again(title: str, key: str) -> None:
    once = title_out({"title": title, "key": key})
    assert title_out(title_in(once)) == once


@given(
    st.dictionaries(
        st.sampled_from(["title", "status", "priority", "companyIds", "enduserIds", "sourceUrl"]),
        st.none() | st.integers(),
    )
)
def test_odd_records_are_read_without_failing(record: dict[str, Any]) -> None:
    assert set(issue_values(record)) <= {"title", "key", "state", "priority", "parties", "url"}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("[CUST-12] Fuel report", {"key": "CUST-12", "title": "Fuel report"}),
        ("[CUST-12]", {"key": "CUST-12", "title": ""}),
        (" [CUST-12] Fuel ", {"key": "CUST-12", "title": "Fuel"}),
        ("Fuel report", {"title": "Fuel report"}),
        ("[draft] Fuel", {"title": "[draft] Fuel"}),
        ("[A-1] [B-2] Fuel", {"key": "A-1", "title": "[B-2] Fuel"}),
    ],
)
def test_the_key_in_front_of_a_title_comes_off(text: str, wanted: dict[str, str]) -> None:
    assert title_in(text) == wanted


def test_an_item_without_title_is_called_by_its_key() -> None:
    assert title_out({"title": "", "key": "CUST-12"}) == "[CUST-12]"
    assert title_out({}) == "(untitled)"


def test_a_new_issue_says_where_it_comes_from_and_is_not_archived() -> None:
    body = new_issue({"title": "a"}, "plane:w:1")
    assert (body["source"], body["sourceId"], body["archived"]) == ("Plane", "plane:w:1", False)


def test_a_title_alone_is_written_with_the_key_that_the_row_has() -> None:
    assert issue_body({"title": "new"}, {"title": "old", "key": "A-1"}) == {"title": "[A-1] new"}
    assert issue_body({"key": "B-2"}, {"title": "old", "key": "A-1"}) == {"title": "[B-2] old"}


def test_words_of_a_person_s_own_in_planhat_say_nothing_about_state_and_priority() -> None:
    assert issue_values({"status": "Parked", "priority": "P1"}) == {}
    assert issue_values({"status": " in PROGRESS ", "priority": "urgent"}) == {"state": "started", "priority": "urgent"}


def test_fields_that_an_answer_leaves_out_are_not_taken_for_empty() -> None:
    assert issue_values({"_id": "i1", "title": "a"}) == {"title": "a"}
    assert issue_values({"companyIds": []}) == {"parties": ()}


def test_notes_are_written_clean_and_never_read() -> None:
    assert issue_body({"notes": "<h1>x</h1>", "url": ""})["description"] == "<p><strong>x</strong></p>"
    assert issue_body({"notes": None})["description"] == ""
    assert "notes" not in issue_values({"description": "<p>x</p>"})


def test_relative_links_in_notes_lead_to_plane() -> None:
    body = issue_body({"notes": '<a href="/x">x</a>'}, {"url": "https://app.plane.so/acme/browse/A-1/"})
    assert body["description"] == '<a href="https://app.plane.so/x">x</a>'


def test_only_rows_with_our_prefix_are_ours() -> None:
    owned = [mapping.is_ours({"sourceId": source}) for source in ("plane:w:1", "planet", "10042", None)]
    assert owned == [True, False, False, False]
    assert not mapping.is_ours({})


def test_an_issue_carries_mark_version_and_link() -> None:
    item = issue_item({"_id": "i1", "sourceId": "plane:w:1", "updatedAt": "2026"}, "acme")
    assert (item.id, item.mark, item.version) == ("i1", "plane:w:1", "2026")
    assert item.url.startswith("https://ws.planhat.com/acme/") and issue_item({"_id": "i1"}).url == ""


@pytest.mark.parametrize("owner", ["u1", {"_id": "u1", "nickName": "Ada"}])
def test_an_owner_is_the_same_in_both_of_its_forms(owner: Any) -> None:
    assert mapping.owner_id({"owner": owner}) == "u1"
    assert mapping.owner_id({}) == mapping.owner_id({"owner": None}) == ""


def test_a_company_s_facts_are_those_that_planhat_tells() -> None:
    full = {
        "_id": "c1",
        "name": "Acme",
        "phase": "live",
        "h": 7.25,
        "arr": 120000,
        "renewalDate": "2027-01-31T00:00:00.000Z",
    }
    facts = (
        ("Phase", "live"),
        ("Health", "7.2 of 10"),
        ("Owner", "Ada"),
        ("ARR", "120,000"),
        ("Renewal", "2027-01-31"),
    )
    assert mapping.party(full, "Ada", ("ARR", "120,000")) == Party("c1", "Acme", facts)
    assert mapping.party({"_id": "c1", "name": "Acme", "h": None, "renewalDate": "soon"}) == Party("c1", "Acme")


def test_zero_is_a_fact() -> None:
    assert mapping.party({"_id": "c1", "name": "Acme", "h": 0}).facts == (("Health", "0 of 10"),)


@pytest.mark.parametrize(
    ("user", "name"),
    [
        ({"firstName": "Ada", "lastName": "Lovelace", "nickName": "A"}, "Ada Lovelace"),
        ({"nickName": "A", "email": "a@b.example"}, "A"),
        ({"email": "a@b.example"}, "a@b.example"),
        ({}, ""),
    ],
)
def test_a_user_has_the_fullest_name_there_is(user: dict[str, str], name: str) -> None:
    assert mapping.user_name(user) == name


def test_a_call_has_the_names_of_the_api_page_unless_the_later_ones_are_asked_for() -> None:
    start = datetime(2026, 11, 23, 15, 0, tzinfo=timezone(timedelta(hours=1)))
    body = mapping.call_body("+4670", "max123", start=start, end=start + timedelta(minutes=2), waiting=0)
    assert body == {
        "nr": "+4670",
        "externalUserId": "max123",
        "start": "2026-11-23T14:00:00.000Z",
        "end": "2026-11-23T14:02:00.000Z",
        "waiting": 0,
    }
    assert mapping.call_body("1", "max123", names="later") == {"nr": "1", "agentId": "max123"}


@given(st.datetimes(timezones=st.just(UTC), min_value=datetime(1970, 1, 2), max_value=datetime(2100, 1, 1)))
def test_times_are_written_in_utc_and_read_back_to_the_millisecond(when: datetime) -> None:
    text = mapping.moment(when)
    assert text.endswith("Z")
    assert abs(datetime.fromisoformat(text) - when) < timedelta(milliseconds=1)
