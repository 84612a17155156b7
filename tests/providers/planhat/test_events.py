"""Deliveries of automations: the secret, and reading whatever somebody pasted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planeapp.lib.events import BadSignature, Event
from planeapp.providers.planhat.events import HEADER, TEMPLATE, read, verify


def one(body: Any) -> Event:
    (event,) = read(json.dumps(body).encode())
    return event


@pytest.mark.parametrize("name", [HEADER, "x-planhat-secret"])
def test_any_of_the_valid_secrets_opens_the_door(name: str) -> None:
    assert verify(b"{}", {name: "new"}, ["old", "new"]) is None  # type: ignore[func-returns-value]


@pytest.mark.parametrize(
    ("headers", "secrets"),
    [
        ({}, ["a"]),
        ({HEADER: ""}, ["a", ""]),
        ({HEADER: "b"}, ["a"]),
        ({HEADER: "a"}, []),
        ({HEADER: "ä"}, ["a"]),
        ({HEADER: "aa"}, ["a"]),
    ],
)
def test_a_missing_or_unknown_secret_is_refused(headers: dict[str, str], secrets: list[str]) -> None:
    with pytest.raises(BadSignature):
        verify(b"{}", headers, secrets)


def test_the_handed_out_template_is_understood_once_filled_in() -> None:
    filled = TEMPLATE.replace("<<object._id>>", "c1").replace("<<time.now>>", "2026-11-23T10:00:00.000Z")
    (event,) = read(filled.encode())
    assert (event.kind, event.subject, event.data["model"]) == ("company.changed", "c1", "company")


@pytest.mark.parametrize(
    ("body", "kind", "subject", "model"),
    [
        ({"event": "company.updated", "id": "c1", "model": "Company"}, "company.changed", "c1", "company"),
        ({"event": "company.deleted", "id": "c1"}, "company.deleted", "c1", "company"),
        ({"event": "Issue removed", "_id": "i1", "model": "Issue"}, "remote.deleted", "i1", "issue"),
        ({"object": {"_id": "c1", "name": "Acme"}, "model": "Company"}, "company.changed", "c1", "company"),
        ({"id": "c1", "model": "companies"}, "company.changed", "c1", "companies"),
        ({"id": "i1", "model": "Issue"}, "remote.changed", "i1", "issue"),
        ({"event": "enduser.updated", "id": "e1"}, "other", "", ""),
        ({"event": "deleted", "id": "u1", "model": "User"}, "other", "", ""),
        ({"event": "company.updated"}, "other", "", ""),
        ({"event": "company.updated", "id": "<<object._id>>"}, "other", "", ""),
        ({"id": {"nested": 1}}, "other", "", ""),
        ("text", "other", "", ""),
        ([], "other", "", ""),
    ],
)
def test_many_bodies_are_understood(body: Any, kind: str, subject: str, model: str) -> None:
    event = one(body)
    assert (event.kind, event.subject, event.data["model"]) == (kind, subject, model)


def test_an_array_is_several_events() -> None:
    raw = b'[{"id": "c1", "model": "Company"}, {"id": "i1", "model": "Issue"}]'
    assert [(event.kind, event.subject) for event in read(raw)] == [("company.changed", "c1"), ("remote.changed", "i1")]


@pytest.mark.parametrize(("name", "verb"), [("updated", "changed"), ("deleted", "deleted")])
def test_a_delivery_that_tells_no_model_may_be_about_either(name: str, verb: str) -> None:
    company, issue = read(json.dumps({"event": name, "id": "x1", "at": "2026-11-23T10:00:00.000Z"}).encode())
    assert (company.kind, issue.kind) == (f"company.{verb}", f"remote.{verb}")
    assert company.subject == issue.subject == "x1" and company.id != issue.id


def test_what_is_of_no_use_says_so_by_its_model() -> None:
    assert "enduser" in one({"model": "EndUser", "id": "e1"}).data["problem"]


def test_what_is_no_json_says_so() -> None:
    (event,) = read(b'{"id": "c1", "name": "Acme "Air""}')
    assert event.kind == "other" and "JSON" in event.data["problem"]


def test_raw_newlines_in_pasted_values_do_no_harm() -> None:
    (event,) = read(b'{"model": "Company", "id": "c1", "name": "two\nlines"}')
    assert event.subject == "c1"


def test_a_repeat_has_the_same_id_when_the_time_is_told() -> None:
    body = {"event": "company.updated", "id": "c1", "at": "2026-11-23T10:00:00.000Z"}
    assert one(body).id == one(body).id
    assert one(body).id != one({**body, "at": "2026-11-23T10:00:01.000Z"}).id
    assert one(body).id != one({**body, "id": "c2"}).id


@pytest.mark.parametrize("at", ["", "<<time.now>>", "2026-11-23"])
def test_two_changes_that_look_the_same_are_both_kept_when_the_time_is_not_told(at: str) -> None:
    body = {"event": "company.updated", "id": "c1", "at": at}
    assert one(body).id != one(body).id


@given(st.binary(max_size=200))
def test_reading_any_bytes_never_fails(raw: bytes) -> None:
    kinds = {"company.changed", "company.deleted", "remote.changed", "remote.deleted", "other"}
    assert all(event.kind in kinds and event.id for event in read(raw))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "event", "object", "_id"]), inner)
    ),
    max_leaves=8,
)


@given(JSON)
def test_reading_any_json_gives_at_least_one_event(body: Any) -> None:
    assert read(json.dumps(body).encode())
