from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planeapp.sync.values import from_json, spoken, to_json

texts = st.none() | st.text()
ids = st.lists(st.text()).map(tuple)
zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
times = st.datetimes(timezones=zones | st.just(UTC))
values = st.fixed_dictionaries({}, optional={
    "title": texts, "notes": texts, "state": texts, "priority": texts, "key": texts, "url": texts,
    "start": st.none() | st.dates(), "end": st.none() | st.dates(),
    "starts_at": st.none() | times, "ends_at": st.none() | times,
    "people": st.none() | ids, "parties": st.none() | ids, "contacts": st.none() | ids, "labels": st.none() | ids,
    "created": st.none() | st.dates(), "reporter": texts,
})  # fmt: skip


@given(values)
def test_values_come_back_from_json_as_they_were(given_values: dict[str, Any]) -> None:
    assert from_json(json.loads(json.dumps(to_json(given_values)))) == given_values


@given(values)
def test_making_json_leaves_the_values_alone(given_values: dict[str, Any]) -> None:
    before = repr(given_values)
    to_json(given_values)
    assert repr(given_values) == before


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "nothing"),
        ("", "nothing"),
        ((), "nothing"),
        ("Fix it", "Fix it"),
        (date(2026, 11, 23), "Mon 23 Nov 2026"),
        (datetime(2026, 11, 23, 10, 5, tzinfo=timezone(timedelta(hours=1))), "Mon 23 Nov 2026 10:05"),
        (("a@x.example", "b@x.example"), "a@x.example, b@x.example"),
    ],
)
def test_values_are_told_to_people_in_plain_words(value: object, text: str) -> None:
    assert spoken(value) == text
