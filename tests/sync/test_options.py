from __future__ import annotations

import json
from datetime import date, time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from planeapp.sync.options import FieldRule, Filters, Options, Timing, as_data, faults, options_of
from tests.sync.some_options import some_options


def refused(stored: Any) -> list[str]:
    """What is wrong with options."""
    with pytest.raises(ValidationError) as end:
        options_of(stored)
    return faults(end.value)


@given(some_options())
def test_options_come_back_from_storage_as_they_were(options: Options) -> None:
    assert options_of(json.loads(json.dumps(as_data(options)))) == options


def test_nothing_stored_means_the_defaults_and_these_are_not_stored() -> None:
    assert options_of({}) == Options() and as_data(Options()) == {}
    assert as_data(Options(timing=Timing(minutes=30))) == {"timing": {"minutes": 30}}


@pytest.mark.parametrize(("stored", "where"), [
    ({"filter": {}}, "filter"), ({"filters": {"state": []}}, "filters.state"), ({"timing": {"zone": "UTC"}}, "timing.zone"),
])  # fmt: skip
def test_unknown_names_are_refused_by_name(stored: dict[str, Any], where: str) -> None:
    assert refused(stored) == [f"{where}: there is no such setting"]


def test_all_that_is_wrong_is_told_together() -> None:
    told = refused({"deletes": "never", "filters": {"states": ["weird"], "labls": []}, "timing": {"minutes": 1}})
    assert sorted(line.partition(":")[0] for line in told) == [
        "deletes", "filters.labls", "filters.states.0", "timing.minutes",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "rule", [{}, {"direction": "sideways"}, {"direction": "out", "winner": "me"}, {"direction": "out", "x": 1}]
)
def test_a_field_rule_has_a_direction_and_a_known_winner(rule: dict[str, Any]) -> None:
    assert FieldRule.model_validate({"direction": "both"}).winner == "plane"
    with pytest.raises(ValidationError):
        FieldRule.model_validate(rule)


def test_addresses_of_a_filter_are_folded_sorted_and_named_once() -> None:
    assert Filters(people=(" B@x.se", "a@x.se", "b@X.se", " ")).people == ("a@x.se", "b@x.se")


@pytest.mark.parametrize("days", [("2026-11-23", "2026-11-23"), ("2026-11-23", None), (None, "2026-11-23")])
def test_a_stretch_of_days_may_be_open_or_one_day(days: tuple[str | None, str | None]) -> None:
    filters = options_of({"filters": dict(zip(("dated_from", "dated_until"), days, strict=True))}).filters
    assert {filters.dated_from, filters.dated_until} <= {date(2026, 11, 23), None}


def test_a_stretch_of_days_must_not_end_before_it_begins() -> None:
    told = refused({"filters": {"dated_from": "2026-11-23", "dated_until": "2026-11-22"}})
    assert told == ["filters: dated_until lies before dated_from"]


@pytest.mark.parametrize("day", ["86400", "0", "2026", "2026-11-23T00:00:00", "23.11.2026", "2026-02-30", ""])
def test_a_day_is_written_as_a_day(day: str) -> None:
    assert len(refused({"filters": {"dated_from": day}})) == 1


@pytest.mark.parametrize("clock", ["9", "0900", "9:00", "09:00Z", "09:00+02:00", "25:00", "", 540, None])
def test_a_time_is_written_as_a_clock_shows_it(clock: object) -> None:
    assert [line.partition(":")[0] for line in refused({"timing": {"opens": clock}})] == ["timing.opens"]


def test_times_with_and_without_seconds_are_read() -> None:
    assert options_of({"timing": {"opens": "08:30", "closes": "16:45:30"}}).timing.closes == time(16, 45, 30)


@pytest.mark.parametrize("closes", ["08:59", "09:00", "09:04"])
def test_work_closes_well_after_it_opens(closes: str) -> None:
    (told,) = refused({"timing": {"opens": "09:00", "closes": closes}})
    assert told.startswith("timing: closes must be")


@pytest.mark.parametrize("days", [[], [7], [-1], [0, 9]])
def test_weekdays_are_of_the_week(days: list[int]) -> None:
    assert refused({"timing": {"weekdays": days}}) == [
        "timing.weekdays: name at least one day, 0 (Monday) to 6 (Sunday)"
    ]


def test_weekdays_are_sorted_and_named_once() -> None:
    assert Timing(weekdays=(4, 0, 4)).weekdays == (0, 4)


@given(st.integers().filter(lambda minutes: not 5 <= minutes <= 86400))
def test_a_length_lies_between_five_minutes_and_sixty_days(minutes: int) -> None:
    assert (
        len(refused({"timing": {"minutes": minutes}})) == len(refused({"timing": {"estimates": {"M": minutes}}})) == 1
    )


@pytest.mark.parametrize("people", [{"ada": "a@x.se"}, {"a@x.se": "ada"}, {"": ""}])
def test_people_are_two_addresses_each(people: dict[str, str]) -> None:
    assert refused({"people": people}) == ["people: give two e-mail addresses for each person"]


def test_people_are_folded_and_nobody_shares_an_address_over_there() -> None:
    assert Options(people={" Ada@X.se": "A@y.se "}).people == {"ada@x.se": "a@y.se"}
    assert refused({"people": {"a@x.se": "c@y.se", "b@x.se": "C@y.se"}}) == [
        "people: two people in Plane have one address over there"
    ]
